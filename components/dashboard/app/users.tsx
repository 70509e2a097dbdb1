import { useState } from 'preact/hooks'
import { useApp } from './context.tsx'
import type { Page, User } from './contract.ts'
import { writePlace } from './location.ts'
import { useResource } from './resource.tsx'
import { Search } from './search.tsx'
import { Empty, Loaded } from './states.tsx'
import { type Column, PAGE_ROWS, Pager, Table } from './table.tsx'
import { AddUserDialog, DeleteUserDialog, PasswordDialog } from './user-actions.tsx'

/** What the operator was asked for. */
type Asked = { readonly what: 'add' } | { readonly what: 'password' | 'delete'; readonly name: string }

/** The users that clients can authenticate as, if a component keeps some that can be changed. */
export const UsersPage = () => {
  const { place } = useApp()
  const { q, after } = place.settings
  const users = useResource<Page<User>>('/users', { q, after, limit: PAGE_ROWS })
  const [asked, setAsked] = useState<Asked | undefined>(undefined)
  const close = () => setAsked(undefined)
  const done = () => {
    close()
    users.reload()
  }
  if (users.error?.status === 404) return <NoDirectory />
  return (
    <>
      <h1>Users</h1>
      <div class="toolbar">
        <Search name="q" label="Search" hint="a part of the name" />
        <button type="button" onClick={() => setAsked({ what: 'add' })} disabled={users.data === undefined}>
          Add user …
        </button>
      </div>
      <Loaded resource={users}>
        {({ items, next, total }) => (
          <>
            <Pager next={next} total={total} shown={items.length} noun="users" />
            {items.length === 0 ? (
              <NoUsers isFiltered={q !== undefined} />
            ) : (
              <Table
                caption="Users"
                columns={columns(setAsked)}
                rows={items}
                keyOf={({ name }) => name}
                isStale={users.isStale}
              />
            )}
          </>
        )}
      </Loaded>
      {asked?.what === 'add' && <AddUserDialog onClose={close} onDone={done} />}
      {asked?.what === 'password' && <PasswordDialog name={asked.name} onClose={close} onDone={done} />}
      {asked?.what === 'delete' && <DeleteUserDialog name={asked.name} onClose={close} onDone={done} />}
    </>
  )
}

const NoDirectory = () => (
  <>
    <h1>Users</h1>
    <Empty title="The system has no users that can be changed here.">
      Enable <code>passwordFile</code> in the system config, and add <code>users: 'passwordFile'</code> to the
      dependencies of the component <code>admin</code>.
    </Empty>
  </>
)

const NoUsers = ({ isFiltered }: { isFiltered: boolean }) =>
  isFiltered ? (
    <Empty title="No user matches.">
      <a href={writePlace('users')}>Show all users</a>, or search for a shorter part.
    </Empty>
  ) : (
    <Empty title="There are no users yet.">Add the first one: clients connect with its name and password.</Empty>
  )

const columns = (ask: (asked: Asked) => void): readonly Column<User>[] => [
  { key: 'name', title: 'Name', render: ({ name }) => <span class="name">{name}</span> },
  {
    key: 'clients',
    title: 'Clients',
    render: ({ name }) => (
      <a href={writePlace('clients', undefined, { user: name })} aria-label={`Show clients of ${name}`}>
        Show
      </a>
    ),
  },
  {
    key: 'actions',
    title: 'Actions',
    render: ({ name }) => (
      <span class="buttons">
        <button type="button" onClick={() => ask({ what: 'password', name })} aria-label={`Password of ${name}`}>
          Password …
        </button>
        <button type="button" onClick={() => ask({ what: 'delete', name })} aria-label={`Delete user ${name}`}>
          Delete …
        </button>
      </span>
    ),
  },
]
