import { Authenticator } from '../../src/kinds/authenticator.ts'
import { Broker } from '../../src/kinds/broker.ts'
import { HttpServer } from '../../src/kinds/http-server.ts'
import { Listener } from '../../src/kinds/listener.ts'
import { Logger } from '../../src/kinds/logger.ts'
import { Tracer } from '../../src/kinds/tracer.ts'
import { defineComponent } from '../../src/system/define-system.ts'
import { kind, optional } from '../../src/system/kind.ts'
import type { Admin } from './admin.ts'
import { adminConfig, BASE_PATH } from './config.ts'
import { measuresOf } from './measures.ts'
import { Tokens } from './tokens.ts'

/** The component's own kind: no other component needs it. */
const AdminApi = kind<Admin>()('AdminApi', { unique: true })

/** The HTTP API for operators: who is connected, what is retained, how the components are, and what to change. */
export const admin = defineComponent({
  provides: AdminApi,
  needs: {
    http: HttpServer,
    broker: Broker,
    listener: Listener,
    logger: Logger,
    tracer: optional(Tracer),
    users: optional(Authenticator),
  },
  config: adminConfig,
  describe: () => BASE_PATH,
  start: async (config, parts, context) => {
    const log = parts.logger.child({ component: context.name })
    const tokens = await Tokens.open(config, log)
    // Loaded only when it is used: hono and the schemas take longer to load than the rest of the broker's components.
    const { Admin } = await import('./admin.ts')
    const instance = new Admin(config, parts, tokens, context)
    const { address } = parts.http
    log.info({ address, path: BASE_PATH }, `Admin API on ${address}${BASE_PATH}${whereToken(config.tokenFile)}`)
    return instance
  },
  reads: ({ tokenFile, tokens }) =>
    [tokenFile ?? undefined, ...tokens.map((token) => token.tokenFile)].filter((file) => file !== undefined),
  exclusive: () => [`http:${BASE_PATH}`],
  adjust: (instance, config, parts) => instance.adjust(config, parts),
  measure: measuresOf,
  refresh: (instance) => instance.refresh(),
  stop: (instance) => instance.stop(),
})

const whereToken = (file: string | null): string => (file === null ? '' : `, with the token in ${file}`)
