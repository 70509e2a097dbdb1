import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { type Api, ApiError, segment } from './api.ts'
import { useApp } from './context.tsx'
import type { ClientSummary, Page } from './contract.ts'
import { Confirm, Dialog, Problem } from './dialog.tsx'
import { formatPlural } from './format.ts'
import { useResource, useSubmission } from './resource.tsx'

interface DialogProps {
  onClose(): void
  onDone(): void
}

export const AddUserDialog = ({ onClose, onDone }: DialogProps) => {
  const { api } = useApp()
  const { isBusy, problem, submit } = useSubmission(onDone)
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const add = () =>
    submit(async () => {
      if (await exists(api, name)) {
        throw new Error(`There is a user ${name} already. “Password …” in its row gives it another password.`)
      }
      await api.send('PUT', `/users/${segment(name)}`, { password })
      return `Added the user ${name}.`
    })
  return (
    <UserForm
      title="Add a user"
      action="Add 1 user"
      isBusy={isBusy || name === '' || password === ''}
      problem={problem}
      onSubmit={add}
      onClose={onClose}
    >
      <label class="field">
        <span>Name</span>
        <input
          type="text"
          value={name}
          autocomplete="off"
          spellcheck={false}
          onInput={(event) => setName(event.currentTarget.value)}
        />
      </label>
      <PasswordField value={password} onInput={setPassword} />
    </UserForm>
  )
}

/** The call that adds a user would change the password of an existing one. */
const exists = async (api: Api, name: string): Promise<boolean> => {
  try {
    await api.get(`/users/${segment(name)}`)
    return true
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return false
    throw error
  }
}

export const PasswordDialog = ({ name, onClose, onDone }: DialogProps & { name: string }) => {
  const { api } = useApp()
  const { isBusy, problem, submit } = useSubmission(onDone)
  const [password, setPassword] = useState('')
  const change = () =>
    submit(async () => {
      await api.send('PUT', `/users/${segment(name)}`, { password })
      return `Changed the password of ${name}.`
    })
  return (
    <UserForm
      title={`Change the password of ${name}?`}
      action="Change 1 password"
      isBusy={isBusy || password === ''}
      problem={problem}
      onSubmit={change}
      onClose={onClose}
    >
      <p>
        The old password is no longer valid. <Disconnected name={name} />
      </p>
      <PasswordField value={password} onInput={setPassword} />
    </UserForm>
  )
}

export const DeleteUserDialog = ({ name, onClose, onDone }: DialogProps & { name: string }) => {
  const { api } = useApp()
  const { isBusy, problem, submit } = useSubmission(onDone)
  const remove = () =>
    submit(async () => {
      await api.send('DELETE', `/users/${segment(name)}`)
      return `Deleted the user ${name}.`
    })
  return (
    <Confirm
      title={`Delete the user ${name}?`}
      action="Delete 1 user"
      isBusy={isBusy}
      problem={problem}
      onConfirm={remove}
      onClose={onClose}
    >
      <p>
        This deletes <b>1 user</b>: clients cannot authenticate as {name} any more. <Disconnected name={name} />
      </p>
    </Confirm>
  )
}

/** How many clients the change of a user ends. */
const Disconnected = ({ name }: { name: string }) => {
  const { data, error } = useResource<Page<ClientSummary>>('/clients', { user: name, limit: 1 })
  if (error !== undefined) return <>Its clients are disconnected; how many there are is not known.</>
  if (data === undefined) return <>Counting the clients …</>
  return (
    <>
      <b>{formatPlural(data.total, 'connected client')}</b> of this user {data.total === 1 ? 'is' : 'are'} disconnected.
    </>
  )
}

const PasswordField = ({ value, onInput }: { value: string; onInput: (value: string) => void }) => (
  <label class="field">
    <span>Password</span>
    <input
      type="password"
      value={value}
      autocomplete="new-password"
      onInput={(event) => onInput(event.currentTarget.value)}
    />
  </label>
)

/** A dialog with fields: Enter sends it, as its button does. */
const UserForm = ({
  title,
  action,
  isBusy,
  problem,
  onSubmit,
  onClose,
  children,
}: {
  title: string
  action: string
  isBusy: boolean
  problem: string | undefined
  onSubmit: () => void
  onClose: () => void
  children: ComponentChildren
}) => (
  <Dialog title={title} onClose={onClose}>
    <form
      onSubmit={(event) => {
        event.preventDefault()
        if (!isBusy) onSubmit()
      }}
    >
      {children}
      <Problem text={problem} />
      <div class="actions">
        <button type="button" onClick={onClose}>
          Cancel
        </button>
        <button type="submit" disabled={isBusy}>
          {action}
        </button>
      </div>
    </form>
  </Dialog>
)
