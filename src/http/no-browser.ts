import type { FastifyInstance } from 'fastify';

type Strategy = Parameters<FastifyInstance['addConstraintStrategy']>[0];
type Handler = ReturnType<ReturnType<Strategy['storage']>['get']>;

/** A constraint of routes, `noBrowser: true`: a client that does not ask for HTML, as every browser does for a page. */
export const noBrowser: Strategy = {
  name: 'noBrowser',
  storage: () => {
    const handlers = new Map<unknown, Handler>();
    return {
      get: (value) => handlers.get(value) ?? null,
      set: (value, handler) => void handlers.set(value, handler),
    };
  },
  deriveConstraint: ({ headers: { accept = '' } }) => !/\btext\/html\b/i.test(accept) || undefined,
  validate: () => {},
};
