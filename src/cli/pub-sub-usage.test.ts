import { expect, test } from 'vitest'
import { CommandRun } from '../../test/helpers/command-run.ts'
import { main as pub } from './pub.ts'
import { main as sub } from './sub.ts'

test.each([
  ['', 'Give one of --message, --file, --stdin-line, --stdin-file, --null-message.'],
  ['-m a', 'Give a Topic Name: --topic TOPIC.'],
  ['-m a -n -t a', 'Give one of --message'],
  ['-m a -t a/#', 'A Topic Name holds neither + nor #.'],
  ['-m a -t a -q 3', '--qos 3: a whole number from 0 to 2 is expected.'],
  ['-m a -t a -p 0', '--port 0: a whole number from 1 to 65535 is expected.'],
  ['-m a -t a -p', '-p needs a value: PORT.'],
  ['-m a -t a more', "There is no argument 'more'."],
  ['-m a -t a --nonsense', "Unknown option '--nonsense'."],
  ['-m a -t a -V 4', '--protocol-version 4: the versions are 31, 311 and 5.'],
  ['-m a -t a -V 311 -x 5', 'Properties exist from MQTT 5.0 on: leave out --protocol-version.'],
  ['-m a -t a -c', '--disable-clean-session needs --id.'],
  ['-m a -t a -L http://x', '--url is no URL of a broker, which begins with mqtt://'],
  ['-m a -t a -L mqtt://x -h y', 'Give either --url or --host.'],
  ['-m a -t a -L mqtt://x --insecure', 'The options of TLS need a URL with mqtts:// or wss://, not mqtt://.'],
  ['-m a -t a --will-qos 1', '--will-qos needs --will-topic.'],
  ['-m a -t a --will-retain', 'A Will needs --will-topic.'],
  [
    '-m a -t a -D publish colour red',
    '--property publish colour: the properties of publish are payload-format-indicator',
  ],
  ['-m a -t a -D send content-type x', '--property send: the command is one of connect, publish'],
  ['-m a -t a -D publish user-property a', '--property needs 4 values: COMMAND user-property NAME VALUE.'],
  ['-m a -t a -D publish topic-alias 70000', 'topic-alias 70000: a whole number from 1 to 65535 is expected.'],
  ['-l -t a --ask-password', '--ask-password reads the standard input, too: use --password-file'],
  ['-l -t a --repeat 2', '--repeat is for one message, not for --stdin-line.'],
])('pub %s: exit code 2', async (words, message) => {
  const run = new CommandRun(pub, words)
  expect(await run.code).toBe(2)
  expect(run.stderr).toContain(message)
  expect(run.stderr).toContain('Try: mqtt-jig test --help')
})

test.each([
  ['', 'Give a Topic Filter: --topic FILTER.'],
  ['-t a --json -F %p', 'Give one of --format and --json.'],
  ['-t a -R --retained-only', 'Give one of --no-retained and --retained-only.'],
  ['-t a -V 311 --no-local', '--retain-as-published and --no-local need MQTT 5.0.'],
  ['-t a -F %y', '--format: there is no %y'],
])('sub %s: exit code 2', async (words, message) => {
  const run = new CommandRun(sub, words)
  expect(await run.code).toBe(2)
  expect(run.stderr).toContain(message)
})

test.each([
  ['-m a -t a -p 1', 1, 'The broker at 127.0.0.1:1 does not answer: connection refused.'],
  ['-m a -t a -h a..b', 1, 'The host of a..b:1883 has no address'],
  ['-f /does/not/exist -t a', 1, '/does/not/exist cannot be read'],
  ['-m a -t a --cafile /does/not/exist', 1, '/does/not/exist cannot be read'],
  ['-m a -t a --unix /does/not/exist', 1, 'The broker at /does/not/exist does not answer: there is no such socket.'],
])('pub %s: exit code %d', async (words, code, message) => {
  const run = new CommandRun(pub, words)
  expect(await run.code).toBe(code)
  expect(run.stderr).toContain(message)
})

test('--quiet prints no error', async () => {
  const run = new CommandRun(pub, '-m a -t a -p 1 --quiet')
  expect(await run.code).toBe(1)
  expect(run.stderr).toBe('')
})
