import type { FileFault, NetworkStatus } from '../cdn/index.ts';
import type { FileSummary } from './file-stats.ts';

/** Share of failures above which files count as failing, given at least MIN_POSTS. */
const MAX_FAILURES = 0.5;
const MIN_POSTS = 4;

/** What happened, and what to do. */
const FAULTS: Readonly<Record<FileFault, string>> = {
  name: 'the names of media hosts have no public address. Check the DNS',
  tls: "the CDN's certificate is not accepted. Something on the way decrypts it: trust it by EXTRA_CA_CERTS, or exclude the CDN there",
  connection: 'there is no connection to the CDN. Check the network, the firewall and the proxy',
  refused: 'the CDN answers 403. Other egresses (PROXY_URLS, GLUETUN_URL) help',
  stalled: 'the CDN sends nothing. Check the network and the proxy',
  other: 'the CDN sends no media. The log has the reason of each file',
};

/**
 * Why files cannot be fetched: a sentence for each egress.
 * @param labelOf the name of an egress, by its id
 * @param postsAreRead whether extractions work, which makes it a fault of the files alone
 */
export function fileReasons(
  summaries: readonly FileSummary[],
  labelOf: (egress: string) => string,
  postsAreRead: boolean,
): string[] {
  return summaries.flatMap(({ egress, posts, failed, worst, probe }) => {
    const fails = posts >= MIN_POSTS && failed / posts > MAX_FAILURES;
    const fault = probe ?? (fails ? worst : null);
    if (fault === null) return [];
    const share = failed > 0 ? `, ${failed} of the last ${posts} posts' files` : '';
    const what = `files cannot be fetched through ${labelOf(egress)}${share}`;
    return [`${postsAreRead ? 'posts are read, ' : ''}${what}: ${FAULTS[fault]}`];
  });
}

/** Why names of media hosts are not connected to; null where they are. */
export function networkReason({ fake_ip: fake, refused }: NetworkStatus): string | null {
  if (!refused) return null;
  const leads = `${refused.host} leads to ${refused.address}`;
  return refused.address === fake
    ? `${leads}, an address of a fake-IP pool (Clash, mihomo, sing-box), and its files are refused: set FAKE_IP=allow`
    : `${leads}, which is not a public address, and its files are refused. Check the DNS`;
}
