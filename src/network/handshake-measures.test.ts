import { expect, it } from 'vitest'
import { handshakeMeasures } from './handshake-measures.ts'

const counters = {
  ...{ underWay: 1, completed: 2, refused: 3 },
  failed: { deadline: 4, closed: 5, protocol: 6, certificate: 7 },
}

it.each([undefined, 'tls'])('the handshakes of a listener are measured; stage %s', (stage) => {
  const read = handshakeMeasures(counters, stage).map(({ name, labels, read }) => [name, labels ?? {}, read()])
  const label = stage === undefined ? {} : { stage }
  expect(read).toEqual([
    ['under_way', label, 1],
    ['completed', label, 2],
    ['refused', label, 3],
    ['failed', { ...label, reason: 'deadline' }, 4],
    ['failed', { ...label, reason: 'closed' }, 5],
    ['failed', { ...label, reason: 'protocol' }, 6],
    ['failed', { ...label, reason: 'certificate' }, 7],
  ])
})
