import { counter, gauge, type Measure } from '../../src/system/define-system.ts'
import type { MetricsPage } from './metrics-page.ts'

/** What operators read of the metrics themselves, and the messages of the topic filters. */
export const measuresOf = (page: MetricsPage): readonly Measure[] => {
  const { counters, topics } = page
  return [
    counter('answered', 'requests', 'Requests that got the metrics.', () => counters.scrapes),
    counter('from_cache', 'requests', 'Those of them that got the text of a request before.', () => counters.fromCache),
    counter('denied', 'requests', 'Requests without the token.', () => counters.denied),
    counter('failed_read', 'numbers', 'Numbers that could not be read and were left out.', () => counters.failedReads),
    gauge('left_out', 'measures', 'Measures that have the names of others.', () => page.conflicts),
    gauge('written', 'lines', 'Lines of the last text that was written.', () => page.lastLines),
    gauge('writing', 'seconds', 'How long it took to write the last text.', () => page.lastSeconds),
    ...topics.flatMap((topic) => {
      const labels = { filter: topic.name }
      return [
        counter('topic', 'messages', 'Messages that a topic filter matches.', () => topic.messages, labels),
        counter('topic_payload', 'bytes', 'Bytes of the payloads of these messages.', () => topic.bytes, labels),
      ]
    }),
  ]
}
