interface TrustedTypes {
  createPolicy(
    name: string,
    rules: { createScriptURL: (name: keyof typeof SCRIPTS) => string },
  ): { createScriptURL(name: keyof typeof SCRIPTS): string };
}

/** The scripts of workers. The page's policy allows no others. */
const SCRIPTS = { page: './sw.js', solver: new URL('solver.js', import.meta.url).href };

const { trustedTypes } = window as { trustedTypes?: TrustedTypes };
const policy = trustedTypes?.createPolicy('worker', { createScriptURL: (name) => SCRIPTS[name] });

export function scriptUrl(name: keyof typeof SCRIPTS): string {
  return policy?.createScriptURL(name) ?? SCRIPTS[name];
}

/** Registers the service worker, which opens the page without a connection. */
export function registerWorker(): void {
  void navigator.serviceWorker?.register(scriptUrl('page')).catch(() => undefined);
}
