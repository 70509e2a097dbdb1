import { useApp } from './context.tsx'
import type { Page, RetainedMessage } from './contract.ts'
import { formatBytes } from './format.ts'
import { writePlace } from './location.ts'
import { payloadLine } from './payload-view.tsx'
import { useResource } from './resource.tsx'
import { expiry, RetainedMessageView } from './retained-message.tsx'
import { Search } from './search.tsx'
import { Empty, Loaded } from './states.tsx'
import { type Column, PAGE_ROWS, Pager, Table } from './table.tsx'

/** The retained messages that a Topic Filter matches. */
export const RetainedPage = () => {
  const { place } = useApp()
  const { filter, after, topic } = place.settings
  const messages = useResource<Page<RetainedMessage>>('/retained', { filter: filter ?? '#', after, limit: PAGE_ROWS })
  const closed = writePlace('retained', undefined, { ...place.settings, topic: '' })
  const deleted = () => {
    location.replace(closed)
    messages.reload()
  }
  return (
    <>
      <h1>Retained</h1>
      <div class="toolbar">
        <Search name="filter" label="Topic Filter" hint="#  or  kitchen/+/temperature" />
      </div>
      {topic !== undefined && (
        <>
          <RetainedMessageView topic={topic} onDeleted={deleted} />
          <p>
            <a href={closed}>Close the message</a>
          </p>
        </>
      )}
      <Loaded resource={messages}>
        {({ items, next, total }) => (
          <>
            <Pager next={next} total={total} shown={items.length} noun="messages" />
            {items.length === 0 ? (
              <NoMessages filter={filter} />
            ) : (
              <Table
                caption="Retained messages"
                columns={COLUMNS}
                rows={items}
                keyOf={(item) => item.topic}
                isStale={messages.isStale}
              />
            )}
          </>
        )}
      </Loaded>
    </>
  )
}

const NoMessages = ({ filter }: { filter: string | undefined }) =>
  filter === undefined || filter === '#' ? (
    <Empty title="No retained messages.">
      Publish one: <code>mqtt-jig pub --retain -t kitchen/temperature -m 21.5</code>
    </Empty>
  ) : (
    <Empty title="No retained message matches this filter.">
      <code>+</code> stands for one level, <code>#</code> at the end for all further ones.{' '}
      <a href={writePlace('retained')}>Show all messages</a>
    </Empty>
  )

const TopicLink = ({ topic }: { topic: string }) => {
  const { place } = useApp()
  return (
    <a class="name" href={writePlace('retained', undefined, { ...place.settings, topic })}>
      {topic}
    </a>
  )
}

const COLUMNS: readonly Column<RetainedMessage>[] = [
  { key: 'topic', title: 'Topic', render: ({ topic }) => <TopicLink topic={topic} /> },
  { key: 'payload', title: 'Value', render: ({ payload }) => <code class="clip">{payloadLine(payload)}</code> },
  { key: 'bytes', title: 'Size', isNumber: true, render: ({ payload }) => formatBytes(payload.bytes) },
  { key: 'qos', title: 'QoS', isNumber: true, render: ({ qos }) => qos },
  { key: 'expiresAtMs', title: 'Expires', isNumber: true, render: expiry },
]
