import { createSystem, defineSystem } from 'mqtt-jig'
import { authenticatorContract } from 'mqtt-jig/testing/contracts'
import { devicePasswords, passwordOf } from './device-passwords.ts'

const key = 'a secret key of 32 characters or more'
const device = (userName: string) => ({ userName, password: passwordOf(key, userName) })

authenticatorContract('devicePasswords', {
  create: async () => {
    const system = createSystem(defineSystem({ devices: { component: devicePasswords, config: { key } } }))
    await system.start()
    return system.map.devices
  },
  users: [device('device-1'), device('device-2')],
  unknownUser: 'pass',
})
