import type { FastifyInstance } from 'fastify';

type Strategy = Parameters<FastifyInstance['addConstraintStrategy']>[0];
type Handler = ReturnType<ReturnType<Strategy['storage']>['get']>;

/** A constraint of routes, `acceptsJson: true`: the client wants JSON, and no page as a browser does. */
export const acceptsJson: Strategy = {
  name: 'acceptsJson',
  storage: () => {
    const handlers = new Map<unknown, Handler>();
    return {
      get: (value) => handlers.get(value) ?? null,
      set: (value, handler) => void handlers.set(value, handler),
    };
  },
  deriveConstraint: ({ headers: { accept = '' } }) =>
    (/\bapplication\/json\b/i.test(accept) && !/\btext\/html\b/i.test(accept)) || undefined,
  validate: () => {},
};
