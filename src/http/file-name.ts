import type { LinkTarget } from '../links/index.ts';
import type { NamedPost } from '../media/index.ts';
import type { Services } from '../services.ts';
import type { RequestContext } from './request-context.ts';

/** What the names of a link's files say of its post; looks up no more than the template needs. */
export async function namedPost(
  { files, names }: Services,
  target: LinkTarget,
  context: RequestContext,
): Promise<NamedPost> {
  if (names.needPost) return files.named(target, context);
  const { user = '', id } = target.ref;
  return { user, id, title: '', createdAt: null };
}
