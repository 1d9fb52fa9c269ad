import { describe, expect } from 'vitest';
import { TYPICAL_RENDITIONS, videoPost } from '../helpers/standin/index.ts';
import { CHROMIUM } from './browser.ts';
import { downloads, get, it, outcome, PATIENCE, saved, sha256 } from './site.ts';

describe.skipIf(!CHROMIUM)('a video on the page', { concurrent: true }, () => {
  it('shows author, caption and statistics, and announces and focuses the post', async ({ site, visit }) => {
    const post = site.add(
      videoPost({
        user: 'some.one',
        nickname: 'Some One',
        desc: 'A caption #tag',
        stats: { play: 1_234_567, digg: 5, comment: 4, share: 3, collect: 2 },
      }),
    );
    const page = await visit();
    const card = await get(page, `Look! ${post.url} nice`);
    expect(await card.locator('h2').textContent()).toBe('Some One');
    expect(await card.locator('.caption').textContent()).toBe('A caption #tag');
    expect(await card.locator('.author').textContent()).toContain('@some.one');
    expect(await card.locator('.statistics dd').allTextContents()).toEqual(['1.2M', '5', '4', '3', '2']);
    const cover = new URL((await card.locator('video').getAttribute('poster')) ?? '', site.service.baseUrl);
    const picture = Buffer.from(await (await fetch(cover)).arrayBuffer());
    expect(sha256(picture)).toBe(site.standin.media.sha256({ post, part: 'cover', index: 0 }));
    expect(await page.locator('#status').textContent()).toBe('The post is ready.');
    expect(await page.evaluate('document.activeElement.id')).toBe('result-title');
  });

  it.for([
    ['Video, HD', 'video', 2, '.mp4'],
    ['576p', 'video', 0, '.mp4'],
    ['Video with watermark', 'download', 0, '.mp4'],
    ['Spanish', 'subtitle', 1, '.vtt'],
  ] as const)(
    'saves %s, byte for byte what the CDN holds',
    async ([name, part, index, ending], { site, visit }) => {
      const post = site.add(videoPost({ user: 'some.one', renditions: TYPICAL_RENDITIONS }));
      const page = await visit();
      const card = await get(page, post.url);
      const file = await saved(page, card.locator('.saves > a', { hasText: name }).first());
      expect(sha256(file.bytes)).toBe(site.standin.media.sha256({ post, part, index }));
      expect(file.name).toMatch(new RegExp(`^some\\.one_${post.id}.*\\${ending}$`));
    },
  );

  it('saves subtitles as SRT and TXT too', async ({ site, visit }) => {
    const page = await visit();
    const card = await get(page, site.add(videoPost()).url);
    const save = async (type: string) => {
      await card.getByRole('radio', { name: type }).check();
      const { name, bytes } = await saved(
        page,
        card.getByRole('link', { name: new RegExp(`Spanish.*${type}`) }),
      );
      expect(name.endsWith(`.${type.toLowerCase()}`)).toBe(true);
      return bytes.toString();
    };
    expect(await save('SRT')).toMatch(/^1\r?\n\d\d:\d\d:\d\d,\d{3} --> /);
    expect(await save('TXT')).not.toContain('-->');
    expect(await save('VTT')).toMatch(/^WEBVTT/);
  });

  it('saves every sound that the answer lists', async ({ site, visit }) => {
    const page = await visit();
    const card = await get(page, site.add(videoPost({ musicAuthor: 'Some Band' })).url);
    await card.getByText('All sounds').click();
    const sounds = card.locator('details', { hasText: 'All sounds' });
    await sounds.getByRole('link', { name: /^Music .*MP3.*Some Band/ }).waitFor();
    const { name, bytes } = await saved(
      page,
      sounds.getByRole('link', { name: /^Sound of the video .*M4A/ }),
    );
    expect(name).toMatch(/\.m4a$/);
    expect(bytes.subarray(4, 8).toString()).toBe('ftyp');
  });

  it('is saved once by three fast clicks', async ({ site, visit, expect }) => {
    const page = await visit();
    const card = await get(page, site.add(videoPost()).url);
    const files = downloads(page);
    let asked = 0;
    await page.route('**/download?**', (route) => {
      if (route.request().headers().range) asked += 1;
      return route.continue();
    });
    await card.getByRole('link', { name: 'Sound, MP3' }).click({ clickCount: 3 });
    await expect.poll(() => files.length, PATIENCE).toBe(1);
    expect(asked).toBe(1);
  });

  it('saves a real MP3, the same that the link gives anybody', async ({ site, visit }) => {
    const post = site.add(videoPost({ user: 'some.one' }));
    const page = await visit();
    const card = await get(page, post.url);
    const button = card.getByRole('link', { name: 'Sound, MP3' });
    const address = new URL((await button.getAttribute('href')) ?? '', site.service.baseUrl);
    const file = await saved(page, button);
    expect(file.name).toBe(`some.one_${post.id}.mp3`);
    expect(sha256(file.bytes)).toBe(sha256(Buffer.from(await (await fetch(address)).arrayBuffer())));
    // The CDN's frames stand unchanged behind the tags.
    const sound = site.standin.media.bytes({ post, part: 'music' });
    expect(file.bytes.includes(sound.subarray(sound.length - 20_000, sound.length - 200))).toBe(true);
  });

  it('plays and seeks', async ({ site, visit }) => {
    const page = await visit();
    await get(page, site.add(videoPost()).url);
    const reached = await page.evaluate<number>(`(async () => {
      const video = document.querySelector('video');
      const happens = (name) => new Promise((done) => video.addEventListener(name, done, { once: true }));
      video.muted = true;
      if (video.readyState === 0) await happens('loadedmetadata');
      video.currentTime = 3;
      await happens('seeked');
      await video.play();
      await happens('timeupdate');
      return video.currentTime;
    })()`);
    expect(reached).toBeGreaterThanOrEqual(3);
  });

  it('offers each file once where there is one rendition, and only what the post has', async ({
    site,
    visit,
  }) => {
    const page = await visit();
    const card = await get(
      page,
      site.add(videoPost({ renditions: ['h264_540p'], download: false, subtitles: [] })).url,
    );
    expect(await card.locator('.head .saves b').allTextContents()).toEqual(['Video', 'Sound, MP3']);
  });

  it('shows hostile texts as the texts they are', async ({ site, visit }) => {
    const desc = '<img src=x onerror="document.title=1"></p><script>document.title=2</script>\u202Etxet';
    const nickname = '\u202E"><svg onload=document.title=3>';
    const page = await visit();
    const card = await get(page, site.add(videoPost({ desc, nickname })).url);
    expect(await card.locator('.caption').textContent()).toBe(desc);
    expect(await card.locator('h2').textContent()).toBe(nickname);
    expect(await page.locator('article script, article [onerror], article [onload]').count()).toBe(0);
    expect(await page.title()).toMatch(
      /^"><svg onload=document.title=3>: <img src=x .* – TikTok Downloader$/,
    );
    // The override in the name ends with the name: what stands behind it is where it belongs.
    const [name, day] = await Promise.all([
      card.locator('.author p bdi').boundingBox(),
      card.locator('time').boundingBox(),
    ]);
    expect(day?.x).toBeGreaterThan(name?.x ?? 0);
    await page.locator('.history b', { hasText: '<img src=x' }).waitFor();
  });

  it('opens from ?url= and stays over a reload', async ({ site, visit }) => {
    const post = site.add(videoPost({ nickname: 'By address' }));
    const page = await visit(`/?url=${encodeURIComponent(post.url)}`);
    expect(await (await outcome(page)).locator('h2').textContent()).toBe('By address');
    await page.reload();
    expect(await (await outcome(page)).locator('h2').textContent()).toBe('By address');
  });

  it.for(['url', 'text', 'title'])(
    'opens from a share sheet that puts the link in %s',
    async (field, { site, visit }) => {
      const post = site.add(videoPost({ nickname: 'Shared' }));
      const shared = { title: 'TikTok', text: 'Look', [field]: `Check this out! ${post.url} #fyp` };
      const page = await visit(`/?${new URLSearchParams(shared)}`);
      expect(await (await outcome(page)).locator('h2').textContent()).toBe('Shared');
    },
  );

  it('opens when its link is pasted anywhere on the page, or with the Paste button', async ({
    site,
    visit,
    expect,
  }) => {
    const post = site.add(videoPost({ nickname: 'Pasted' }));
    const page = await visit('/', { permissions: ['clipboard-read', 'clipboard-write'] });
    await page.evaluate(`navigator.clipboard.writeText(${JSON.stringify(post.url)})`);
    await page.locator('body').press('Control+V');
    expect(await (await outcome(page)).locator('h2').textContent()).toBe('Pasted');
    await page.getByRole('button', { name: 'Clear', exact: true }).click();
    expect(await page.locator('#link').inputValue()).toBe('');
    await page.getByRole('button', { name: 'Paste' }).click();
    await expect.poll(() => page.locator('#link').inputValue(), PATIENCE).toBe(post.url);
  });

  it('is kept in the history of this browser alone until it is removed', async ({ site, visit }) => {
    const [first, second] = [
      site.add(videoPost({ desc: 'The first' })),
      site.add(videoPost({ desc: 'The second' })),
    ];
    const page = await visit();
    await get(page, first.url);
    await get(page, second.url);
    const entries = page.locator('.visit b');
    await page.locator('.visit img').nth(1).waitFor();
    expect(await entries.allTextContents()).toEqual(['The second', 'The first']);
    expect(await page.context().cookies()).toEqual([]);
    await page.goto(site.service.baseUrl);
    await entries.nth(1).click();
    expect(await (await outcome(page)).locator('.caption').textContent()).toBe('The first');
    await page.getByRole('button', { name: 'Remove from history: The second' }).click();
    expect(await entries.allTextContents()).toEqual(['The first']);
    await page.getByRole('button', { name: 'Clear history' }).click();
    await page.getByRole('button', { name: 'Undo' }).click();
    expect(await entries.allTextContents()).toEqual(['The first']);
    await page.getByRole('button', { name: 'Clear history' }).click();
    expect(await page.evaluate(`localStorage.getItem('history')`)).toBeNull();
    const other = await visit();
    expect(await other.locator('.visit').count()).toBe(0);
  });

  it('says HEVC, sizes, length and artist, and hides formats that nothing plays', async ({ site, visit }) => {
    const page = await visit();
    await page.route('**/tiktok', async (route) => {
      const response = await route.fetch();
      const body = (await response.json()) as {
        formats: { codec: string; link: string; size: number | null }[];
        download_link: { no_watermark_hd: string };
      };
      const [hd] = body.formats.filter(({ link }) => link === body.download_link.no_watermark_hd);
      Object.assign(hd ?? {}, { codec: 'h265', size: 1.9e9 });
      const extra = { duration: 65_400, music_duration: 30_000, artist: 'Some Band' };
      await route.fulfill({ json: { ...body, ...extra } });
    });
    const card = await get(page, site.add(videoPost()).url);
    const plain = async (selector: string) =>
      (await card.locator(selector).allTextContents()).map((text) =>
        text.replace(/[\u2068\u2069]/g, '').replace(/\u00a0/g, ' '),
      );
    const saves = await plain('.head .saves > *');
    expect(saves[0]).toMatch(/HEVC · 1080p · 1\.9 GB/);
    expect(saves.find((text) => text.startsWith('Sound'))).toBe('Sound, MP30:30 · Some Band');
    expect(await plain('.length')).toEqual(['1:05']);
    const formats = await plain('details:has-text("All formats") .saves b');
    expect(new Set(formats)).toEqual(new Set(['H.264', 'HEVC']));
  });

  it('has no caption where the post has none', async ({ site, visit }) => {
    const page = await visit();
    const card = await get(page, site.add(videoPost({ desc: '', user: 'no.words' })).url);
    expect(await card.locator('.caption').count()).toBe(0);
    expect(await page.locator('.visit').textContent()).toBe('@no.words');
  });

  it('folds a long caption, and unfolds it', async ({ site, visit }) => {
    const page = await visit();
    const card = await get(page, site.add(videoPost({ desc: 'word '.repeat(200) })).url);
    const height = async () => (await card.locator('.caption').boundingBox())?.height ?? 0;
    const folded = await height();
    await card.getByRole('button', { name: 'Show more' }).click();
    expect(await height()).toBeGreaterThan(folded * 2);
    await card.getByRole('button', { name: 'Show less' }).click();
    expect(await height()).toBe(folded);
  });

  it('says that a download has started', async ({ site, visit }) => {
    const page = await visit();
    const card = await get(page, site.add(videoPost({ renditions: TYPICAL_RENDITIONS })).url);
    await saved(page, card.getByRole('link', { name: 'Video, HD' }));
    await card.getByRole('link', { name: 'Download started' }).waitFor();
    expect(await page.locator('#status').textContent()).toBe('Download started');
  });

  it('is not kept in the history while that is off, and other tabs follow', async ({ site, visit }) => {
    const page = await visit();
    const other = await page.context().newPage();
    await other.goto(page.url());
    await get(page, site.add(videoPost({ desc: 'Seen' })).url);
    await other.locator('.visit b', { hasText: 'Seen' }).waitFor();
    await page.getByRole('button', { name: 'Turn history off' }).click();
    await other.locator('#history').waitFor({ state: 'hidden' });
    await get(page, site.add(videoPost()).url);
    expect(await page.locator('.visit').count()).toBe(0);
    await other.getByRole('button', { name: 'Turn history on' }).click();
    await get(other, site.add(videoPost({ desc: 'Again' })).url);
    await page.locator('.visit b', { hasText: 'Again' }).waitFor();
  });
});
