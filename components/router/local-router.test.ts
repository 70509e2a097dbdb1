import { routerContract } from '../../test/contract/router.ts'
import { LocalRouter } from './local-router.ts'

routerContract('router', () => new LocalRouter())
