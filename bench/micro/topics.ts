import type { Bench } from 'tinybench'
import { checkTopicName } from '../../src/mqtt/topic-name.ts'
import { TopicTrie } from '../../src/mqtt/topic-trie.ts'
import { batch } from './batch.ts'

/** Finding the subscribers of a topic, with few and with many subscriptions, and checking its syntax. */
export const addTopics = (bench: Bench): void => {
  const topics = Array.from({ length: batch }, (_, index) => `site/${index % 50}/device/${index}/temperature`)
  for (const [name, filters] of Object.entries({ '1,000 filters': 1000, '100,000 filters': 100_000 })) {
    const exact = trieOf(filters, (index) => `site/${index % 50}/device/${index}/temperature`)
    const wildcard = trieOf(filters, (index) => `site/+/device/${index}/#`)
    bench.add(`topic trie, match, exact, ${name}`, () => matchAll(exact, topics))
    bench.add(`topic trie, match, wildcard, ${name}`, () => matchAll(wildcard, topics))
  }
  const bytes = topics.map((topic) => Buffer.from(topic))
  bench.add('topic name, check', () => {
    for (const topic of bytes) if (checkTopicName(topic) !== undefined) throw new Error('a legal topic was refused')
  })
}

const trieOf = (filters: number, filter: (index: number) => string): TopicTrie<object> => {
  const trie = new TopicTrie<object>()
  for (let index = 0; index < filters; index++) trie.set(filter(index), { index })
  return trie
}

const matchAll = (trie: TopicTrie<object>, topics: readonly string[]): void => {
  for (const topic of topics) {
    const match = trie.match(topic)
    match.step(Number.POSITIVE_INFINITY)
    if (match.found.length !== 1) throw new Error(`${topic} did not match once`)
  }
}
