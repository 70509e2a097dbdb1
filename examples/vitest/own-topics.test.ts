import { createSystem, defineSystem, type Identity } from 'mqtt-jig'
import { authorizerContract } from 'mqtt-jig/testing/contracts'
import { ownTopics } from './own-topics.ts'

const start = async () => {
  const system = createSystem(defineSystem({ authorizer: { component: ownTopics } }))
  await system.start()
  return system.map.authorizer
}

// The suite wants an authorizer that allows one identity everything beneath `allowed`: here that is the topic of a user of this name.
authorizerContract('ownTopics', async () => {
  const authorizer = await start()
  const allowed = (identity: Identity): Identity =>
    identity.clientId === 'known' ? { ...identity, userName: 'allowed' } : identity
  return {
    mayPublish: (identity, ...rest) => authorizer.mayPublish(allowed(identity), ...rest),
    maySubscribe: (identity, ...rest) => authorizer.maySubscribe(allowed(identity), ...rest),
    mayReceive: (identity, topic) => authorizer.mayReceive!(allowed(identity), topic),
  }
})
