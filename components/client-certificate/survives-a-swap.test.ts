import { expect, it } from 'vitest'
import type { PeerTls } from '../../src/kinds/peer.ts'
import { survivesASwap } from '../../test/contract/survives-a-swap.ts'
import { lifecycleContext } from '../../test/helpers/lifecycle-context.ts'
import { peerAt } from '../../test/helpers/peer-at.ts'
import type { ClientCertificate } from './client-certificate.ts'
import { clientCertificateConfig } from './config.ts'
import { clientCertificate } from './index.ts'

const tls: PeerTls = { subject: 'CN=ann,OU=line', commonName: 'ann', serial: '0A', fingerprint: 'ab'.repeat(32) }
const peer = { ...peerAt('127.0.0.1:1'), tls }
const ask = (instance: ClientCertificate) =>
  instance.authenticate({ clientId: 'c', userName: undefined, password: undefined, peer })

survivesASwap<ClientCertificate, object>('clientCertificate', {
  component: clientCertificate,
  config: {},
  others: [{ groupsFromOrganizationalUnit: true }, { userName: 'subject' }, { deniedSerials: ['0a'] }],
  dependencies: () => ({}),
  history: [ask, ask],
  observe: (instance) => {
    const counters = { ...instance.counters }
    return [counters, ask(instance), instance.accepts({ clientId: 'c', userName: 'ann', peer })]
  },
})

it('disconnects a client whose certificate is denied, once it is', async () => {
  const instance = clientCertificate.start(clientCertificateConfig.parse({}), {}, lifecycleContext('certificates'))
  const { adjust } = clientCertificate
  const accepted: boolean[] = []
  const running = await instance
  const remove = running.onRevocation(() => accepted.push(running.accepts({ clientId: 'c', userName: 'ann', peer })))
  for (const deniedSerials of [['0a'], []]) {
    const config = clientCertificateConfig.parse({ deniedSerials })
    const change = await adjust!(running, config, {}, lifecycleContext('certificates'))
    change.commit()
    await change.done?.()
  }
  remove()
  const change = await adjust!(running, clientCertificateConfig.parse({}), {}, lifecycleContext('certificates'))
  change.commit()
  await change.done?.()
  expect(accepted).toEqual([false, true])
})
