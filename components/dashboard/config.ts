import { z } from 'zod'

export const dashboardConfig = z.strictObject({
  path: z
    .string()
    .regex(/^\/(?:[\w.-]+(?:\/[\w.-]+)*)?$/, 'begin with / and leave out the / at the end: /dashboard')
    .default('/')
    .describe('Where it is served: `/`, or a path such as `/dashboard`.'),
  directory: z
    .string()
    .min(1)
    .optional()
    .describe('The folder of the built dashboard. If it is not set: that of the package.'),
})

export type DashboardConfig = z.output<typeof dashboardConfig>
