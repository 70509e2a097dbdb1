import { useState } from 'preact/hooks'
import { useApp } from './context.tsx'
import type { Page, TopicLevel } from './contract.ts'
import { formatCount } from './format.ts'
import { writePlace } from './location.ts'
import { payloadLine } from './payload-view.tsx'
import { useResource } from './resource.tsx'
import { RetainedMessageView } from './retained-message.tsx'
import { Empty, Loaded } from './states.tsx'

/** Topics below one level that are shown at first, and that each `more` adds. */
const STEP = 200
/** How the API is asked for what is below an empty first level, as in `/a`: an empty prefix is the top of the tree. */
const EMPTY_FIRST_LEVEL = '/'
const REFRESH_MS = 5_000

/** The tree of topics with their last retained values. A level is loaded when it is opened. */
export const TopicsPage = () => {
  const { place } = useApp()
  const { topic } = place.settings
  const [turn, setTurn] = useState(0)
  return (
    <>
      <h1>Topics</h1>
      <p class="note">The last retained message of each topic. Messages without the retain flag are not kept.</p>
      <div class="columns">
        <section class="panel" aria-label="Topic tree" key={turn}>
          <Level prefix="" />
        </section>
        {topic !== undefined && <RetainedMessageView topic={topic} onDeleted={() => setTurn(turn + 1)} />}
      </div>
    </>
  )
}

const Level = ({ prefix }: { prefix: string }) => {
  const [limit, setLimit] = useState(STEP)
  const levels = useResource<Page<TopicLevel>>('/topics', { prefix, limit: Math.min(limit, 1_000) }, REFRESH_MS)
  return (
    <Loaded resource={levels}>
      {({ items, next, total }) => (
        <>
          {items.length === 0 && prefix === '' && (
            <Empty title="No retained messages.">
              Publish one: <code>mqtt-jig pub --retain -t kitchen/temperature -m 21.5</code>
            </Empty>
          )}
          {items.length > 0 && (
            <ul class="tree">
              {items.map((item) => (
                <Branch key={item.topic} item={item} />
              ))}
            </ul>
          )}
          {next !== null && limit < 1_000 && (
            <button type="button" class="more" onClick={() => setLimit(limit + STEP)}>
              More: {items.length} of {total} topics are shown
            </button>
          )}
          {next !== null && limit >= 1_000 && (
            <p class="note">
              The first {items.length} of {total} topics. <a href={writePlace('retained')}>Retained</a> finds the others
              by a filter.
            </p>
          )}
        </>
      )}
    </Loaded>
  )
}

const Branch = ({ item }: { item: TopicLevel }) => {
  const { place } = useApp()
  const [isOpen, setOpen] = useState(false)
  const { level, topic, children, payload } = item
  const name = level === '' ? '(empty level)' : level
  return (
    <li>
      <div class="branch">
        {children > 0 ? (
          <button type="button" class="opener" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
            <span aria-hidden="true" class="opener-mark">
              {isOpen ? '▾' : '▸'}
            </span>
            <span class="level">{name}</span>
            <span class="note">{formatCount(children)} below</span>
          </button>
        ) : (
          <span class="level leaf">{name}</span>
        )}
        {payload !== undefined && (
          <a
            class="value"
            href={writePlace('topics', undefined, { topic })}
            aria-current={place.settings['topic'] === topic ? 'true' : undefined}
          >
            <span class="visually-hidden">Message of {topic}: </span>
            <code>{payloadLine(payload)}</code>
          </a>
        )}
      </div>
      {isOpen && <Level prefix={topic === '' ? EMPTY_FIRST_LEVEL : topic} />}
    </li>
  )
}
