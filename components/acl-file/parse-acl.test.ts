import { describe, expect, it } from 'vitest'
import { parseAcl } from './parse-acl.ts'

/** `all allow a/# user=ann`, without the rule on the topics of the server. */
const rulesOf = (text: string): string[] =>
  parseAcl(text)
    .rules!.slice(1)
    .map(({ action, allow, filter, user, anonymous, plainNames }) => {
      const client = plainNames === true ? ' pattern' : anonymous === true ? ' anonymous' : ` user=${user}`
      return `${action} ${allow ? 'allow' : 'deny'} ${filter}${client}`
    })
const problemsOf = (text: string): string[] =>
  parseAcl(text).problems!.map(({ line, message }) => `${line}: ${message}`)

describe('an ACL file', () => {
  it('gives topics before any user to clients without a user name, and later ones to their user', () => {
    expect(rulesOf('topic read a\nuser ann\ntopic write b\ntopic c/#\nuser bob\ntopic readwrite d\n')).toEqual([
      'subscribe allow a anonymous',
      'publish allow b user=ann',
      'all allow c/# user=ann',
      'all allow d user=bob',
    ])
  })

  it('asks the lines of a user before the patterns, and in each what denies first, wherever it stands', () => {
    expect(rulesOf('pattern read p/%c\npattern deny p/%u/x\nuser ann\ntopic a\ntopic deny b')).toEqual([
      'all deny b user=ann',
      'all allow a user=ann',
      'all deny p/%u/x pattern',
      'subscribe allow p/%c pattern',
    ])
  })

  it('has comments, blank lines, spaces in names and line ends of Windows', () => {
    expect(rulesOf('# topic x\n\n   \n\t\n#\nuser  ann smith  \r\n  topic   read   a b/c d  \r\ntopic deny')).toEqual([
      'subscribe allow a b/c d user=ann smith',
      // One word alone is a topic.
      'all allow deny user=ann smith',
    ])
  })

  it('takes a placeholder outside patterns as text', () => {
    const [, rule] = parseAcl('user ann\ntopic a/%u').rules!
    expect(rule).toMatchObject({ filter: 'a/%u', isLiteral: true })
  })

  it('has no rule that allows anything when it is empty', () => {
    for (const text of ['', '\n\n', '# nothing']) expect(rulesOf(text)).toEqual([])
  })

  it('names every line that cannot be read', () => {
    const text = [
      'topic',
      'topic reed a',
      'user',
      ' # no comment',
      '\ttopic a',
      'topic a/#/b',
      'pattern a/d-%c',
      'pattern write %u%c/x',
      'pattern a/%{name}',
      'listener 1883',
      'topic read $share/g/a',
      'topic read good',
      'topic a\u{0}b',
    ]
    expect(problemsOf(text.join('\n'))).toEqual([
      '1: a topic is missing',
      "2: 'reed' is not read, write, readwrite or deny",
      '3: a user name is missing',
      "4: '#' is not topic, user or pattern",
      "5: '\ttopic' is not topic, user or pattern",
      '6: A "#" is not alone in the last level of the Topic Filter.',
      "7: %c and %u must be the only text of a level: 'd-%c'",
      "8: %c and %u must be the only text of a level: '%u%c'",
      "9: %c and %u must be the only text of a level: '%{name}'",
      "10: 'listener' is not topic, user or pattern",
      '11: a rule is about topics: leave $share/{ShareName}/ out',
      '13: the line holds a NUL character',
    ])
  })

  it('may have maximumRules rules', () => {
    expect(parseAcl('topic a\ntopic b', 2).rules).toHaveLength(3)
    expect(parseAcl('topic a\ntopic b\ntopic c', 2).problems).toEqual([
      { line: 3, message: 'the file has more rules than maximumRules: 2' },
    ])
  })
})
