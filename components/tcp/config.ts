import { z } from 'zod'
import { listenerOptions } from '../../src/kinds/listener-options.ts'
import { tcpOptions } from '../../src/network/tcp-options.ts'

export const tcpConfig = z.strictObject({ ...tcpOptions(1884), ...listenerOptions })

export type TcpConfig = z.output<typeof tcpConfig>
