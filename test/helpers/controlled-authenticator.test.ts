import { authenticatorContract } from '../contract/authenticator.ts'
import { ControlledAuthenticator } from './controlled-authenticator.ts'

authenticatorContract('ControlledAuthenticator', {
  create: () => new ControlledAuthenticator('users', { ann: 'pencil', bob: 'eraser' }),
  users: [
    { userName: 'ann', password: 'pencil' },
    { userName: 'bob', password: 'eraser' },
  ],
  unknownUser: 'pass',
})
