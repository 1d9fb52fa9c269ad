/** The project's own store of engines. */
export function storeOf(root: string): string;
/** Points `current` to an engine's folder by one rename. */
export function activate(store: string, name: string): void;
/** Orders yt-dlp's versions. @returns negative when a is the older */
export function compareVersions(a: string, b: string): number;
