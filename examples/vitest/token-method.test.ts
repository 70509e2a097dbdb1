import { createSystem, defineSystem } from 'mqtt-jig'
import { authenticationMethodContract, type ExchangePartner } from 'mqtt-jig/testing/contracts'
import { tokenMethod } from './token-method.ts'

const client = (token: string): ExchangePartner => ({ first: () => Buffer.from(token), answer: () => new Uint8Array() })

authenticationMethodContract('tokenMethod', {
  create: async () => {
    const users = { 'correct-horse-battery': 'ann' }
    const system = createSystem(defineSystem({ method: { component: tokenMethod, config: { users } } }))
    await system.start()
    return system.map.method
  },
  genuine: () => client('correct-horse-battery'),
  userName: 'ann',
  impostors: {
    'another token': () => client('wrong-horse-battery'),
    'the name of a property of all objects': () => client('constructor'),
  },
})
