interface TrustedTypes {
  createPolicy(
    name: string,
    rules: { createScriptURL: () => string },
  ): { createScriptURL(input: string): string };
}

/** Registers the service worker, which opens the page without a connection. The page's policy allows only this script. */
export function registerWorker(): void {
  const { trustedTypes } = window as { trustedTypes?: TrustedTypes };
  const policy = trustedTypes?.createPolicy('worker', { createScriptURL: () => './sw.js' });
  void navigator.serviceWorker?.register(policy?.createScriptURL('') ?? './sw.js').catch(() => undefined);
}
