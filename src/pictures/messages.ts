import type { JpegForm } from './jpeg.ts';

/** Messages between the service and a picture process, one request at a time. */
export interface PictureRequest {
  from: string;
  to: string;
  form: JpegForm;
}

/** `tired`: the process has grown, and takes no other request. */
export type PictureReply = { error: string | null; tired: boolean };
