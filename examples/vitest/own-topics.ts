/** An authorizer of your own: each user may do everything beneath the topic of its name, and nothing elsewhere. */
import { Authorizer, type Decision, defineComponent, type Identity, z } from 'mqtt-jig'

const isOwn = ({ userName }: Identity, topic: string): Decision => {
  const isNamed = userName !== undefined && userName !== '' && !/[+#/]/.test(userName)
  return isNamed && topic.startsWith(`${userName}/`) ? 'allow' : 'deny'
}

export const ownTopics = defineComponent({
  provides: Authorizer,
  needs: {},
  config: z.strictObject({}),
  // It answers at once and never throws. A filter is a topic with wildcards: those behind the name of the user stay beneath it.
  start: () => ({ mayPublish: isOwn, maySubscribe: isOwn, mayReceive: isOwn }),
})
