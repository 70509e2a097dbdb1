/**
 * How much the tests do: everything in `npm run test:all`, the same with small numbers in `npm test`. Files named
 * `*.slow.test.ts` run only in `npm run test:all`. See vitest.config.ts.
 */

/** Whether this is `npm run test:all`. */
export const isFullRun = process.env['TEST_SET'] === 'all'

/** How often a property is tried, or a load repeated. @param full in `npm run test:all`; a tenth of it in `npm test`. */
export const runs = (full: number): number => (isFullRun ? full : Math.ceil(full / 10))

/** Cases of a table that run only in `npm run test:all`. */
export const inFullRun = <T>(...cases: T[]): T[] => (isFullRun ? cases : [])
