import { expect, it } from 'vitest'
import { type BridgeTopic, problemOfTopic, TopicMap } from './topic-map.ts'

const line = (
  filter: string,
  direction: BridgeTopic['direction'],
  localPrefix = '',
  remotePrefix = '',
  qos: BridgeTopic['qos'] = 1,
): BridgeTopic => ({ filter, direction, qos, localPrefix, remotePrefix })

it.each([
  { topic: line('a/#', 'out'), local: 'a/b', remote: 'a/b' },
  { topic: line('#', 'out', '', 'site/'), local: 'a/b', remote: 'site/a/b' },
  { topic: line('#', 'out', 'plant/', ''), local: 'plant/a', remote: 'a' },
  { topic: line('#', 'out', 'plant/', 'site/7/'), local: 'plant/a/b', remote: 'site/7/a/b' },
  { topic: line('+/state', 'out', 'plant/', 'p'), local: 'plant/a/state', remote: 'pa/state' },
  { topic: line('', 'out', 'one', 'two/three'), local: 'one', remote: 'two/three' },
  // A prefix need not end a level.
  { topic: line('b/c', 'out', 'a/x', 'y'), local: 'a/xb/c', remote: 'yb/c' },
  { topic: line('$SYS/#', 'out', '', 'far/'), local: '$SYS/broker/uptime', remote: 'far/$SYS/broker/uptime' },
  { topic: line('#', 'out'), local: '$SYS/a', remote: undefined },
  { topic: line('+/a', 'out'), local: '$SYS/a', remote: undefined },
  { topic: line('#', 'out', 'plant/', 'site/'), local: 'other/a', remote: undefined },
  // `plant/#` matches `plant`, which has no rest that could be named at the other side.
  { topic: line('#', 'out', 'plant/', 'site/'), local: 'plant', remote: undefined },
  // Nothing would be left of it.
  { topic: line('#', 'out', 'plant/', ''), local: 'plant/', remote: undefined },
  { topic: line('+', 'out'), local: 'a/b', remote: undefined },
  { topic: line('a/+/b', 'out'), local: 'a/b', remote: undefined },
  { topic: line('a/+/b', 'out'), local: 'a//b', remote: 'a//b' },
])('$topic.localPrefix $topic.filter: $local is $remote at the other broker', ({ topic, local, remote }) => {
  expect(new TopicMap([topic]).toRemote(local)).toBe(remote)
  const { localPrefix, remotePrefix } = topic
  const reversed = { ...topic, direction: 'in', localPrefix: remotePrefix, remotePrefix: localPrefix } as const
  expect(new TopicMap([reversed]).toLocal(local)).toBe(remote)
})

it('has the filters of each direction, each once with its highest QoS', () => {
  const map = new TopicMap([
    line('a', 'both', 'l/', 'r/', 0),
    line('b', 'in', 'l/', 'r/', 1),
    line('c', 'out', 'l/', 'r/', 2),
    line('/c', 'out', 'l', 'other', 1),
  ])
  expect(map.localFilters).toEqual([
    { filter: 'l/a', qos: 0 },
    { filter: 'l/c', qos: 2 },
  ])
  expect(map.remoteFilters).toEqual([
    { filter: 'r/a', qos: 0 },
    { filter: 'r/b', qos: 1 },
  ])
  expect(map.isTwoWay).toBe(true)
})

it('takes the first line that fits', () => {
  const map = new TopicMap([line('a', 'out', '', 'first/'), line('#', 'out', '', 'second/')])
  expect(map.toRemote('a')).toBe('first/a')
  expect(map.toRemote('b')).toBe('second/b')
})

it('remembers a bounded number of topics and stays right beyond it', () => {
  const map = new TopicMap([line('#', 'out', '', 'r/')])
  const topics = Array.from({ length: 2_500 }, (_, number) => `${number}`)
  expect(topics.map((topic) => map.toRemote(topic))).toEqual(topics.map((topic) => `r/${topic}`))
  expect(map.toRemote('0')).toBe('r/0')
})

it.each([
  [line('', 'out'), 'filter', 'empty'],
  [line('a/#/b', 'out'), 'filter', 'is not a Topic Filter'],
  [line('a', 'out', '+/'), 'localPrefix', 'no wildcards'],
  [line('a', 'in', '', '#'), 'remotePrefix', 'no wildcards'],
  [line('#', 'out', 'a'), 'filter', 'is not a Topic Filter'],
  [line('$share/g/a', 'in'), 'filter', 'no Shared Subscriptions'],
  [line('g/a', 'in', '', '$share/'), 'remotePrefix', 'no Shared Subscriptions'],
  [line('broker/#', 'in', '$SYS/', 'x/'), 'localPrefix', 'belong to this broker'],
  [line('$SYS/#', 'both'), 'filter', 'belong to this broker'],
  [line('a\u0000', 'out'), 'localPrefix', 'a character'],
  [line('a'.repeat(65_535), 'out', '', 'b'), 'remotePrefix', '65,535 bytes'],
] as const)('refuses %j', (topic, path, message) => {
  const problem = problemOfTopic(topic)
  expect(problem).toMatchObject({ path })
  expect(problem?.message).toContain(message)
})

it('lets topics of the server go out', () => {
  expect(problemOfTopic(line('broker/#', 'out', '$SYS/', 'far/'))).toBeUndefined()
})
