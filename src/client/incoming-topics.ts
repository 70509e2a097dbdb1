import { ReasonCode } from '../mqtt/reason-code.ts'
import { protocolError, refusal } from '../mqtt/refusal.ts'
import { IncomingTopicAliases } from '../mqtt/topic-alias.ts'
import { protocolFault } from './packet-parser.ts'
import type { ReceivedPublish } from './server-packet.ts'

/** The Topic Names of the messages of one network connection, some of which the broker sends as a Topic Alias. */
export class IncomingTopics {
  readonly #aliases: IncomingTopicAliases

  /** @param aliasMaximum Topic Alias Maximum of CONNECT. */
  constructor(aliasMaximum: number) {
    this.#aliases = new IncomingTopicAliases(aliasMaximum)
  }

  /** @throws ClientError with the code PROTOCOL for an alias that the broker may not use, or that stands for nothing. */
  topicOf({ topic, properties }: ReceivedPublish): string {
    const alias = properties['topicAlias'] as number | undefined
    if (alias === undefined) return topic
    if (!this.#aliases.allows(alias)) {
      throw protocolFault(
        refusal(ReasonCode.TopicAliasInvalid, 'A Topic Alias is over Topic Alias Maximum.', 'MQTT-3.1.2-26'),
      )
    }
    if (topic === '') {
      const known = this.#aliases.get(alias)
      if (known === undefined) throw protocolFault(protocolError('A Topic Alias stands for no Topic Name.'))
      return known.toString()
    }
    if (!this.#aliases.set(alias, Buffer.from(topic)))
      throw protocolFault(protocolError('The Topic Names of all Topic Aliases together are too long.'))
    return topic
  }
}
