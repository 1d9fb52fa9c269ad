import type { LinkTarget } from '../links/index.ts';
import type { NamedPost } from '../media/index.ts';
import type { Post } from '../posts/post.ts';
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

/** Names the files of a post that is at hand. */
export function nameFiles({ names }: Pick<Services, 'names'>, { ref, title, createdAt }: Post) {
  const post = { user: ref.user ?? '', id: ref.id, title, createdAt };
  return (file: { index?: number; extension: string }) => names.nameOf({ ...post, ...file });
}
