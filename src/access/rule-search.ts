import type { Identity } from '../kinds/authorizer.ts'
import type { AccessRule } from './access-rule.ts'
import { isAnonymous, type Names } from './placeholders.ts'
import type { PlacedRule, RuleNode, RuleTree } from './rule-tree.ts'

/**
 * When a rule matches a filter that is subscribed to. `whole`: one that allows has to cover the filter, and one that denies matches if
 * the two have a topic in common. `partial`: the other way about, for rules that are asked again for each delivery.
 */
export type FilterMatch = 'whole' | 'partial'

/** The QoS of a question about receiving, where there is none. */
export const NO_QOS = -1

/** What is asked for. */
export interface Question {
  readonly identity: Identity
  readonly names: Names
  /** A Topic Name, or a Topic Filter. */
  readonly text: string
  readonly qos: number
  /** Of a message that is published; undefined for other questions. */
  readonly retain: boolean | undefined
  /** For a filter with wildcards. */
  readonly match: FilterMatch
}

/**
 * The search for the first rule that matches, in one tree after the other. Each node is visited at most once, and one whose rules
 * all come after the best so far is passed over.
 */
export class RuleSearch {
  /** Nodes that were visited since the start. */
  visited = 0
  #question: Question | undefined
  #levels: readonly string[] = []
  #isServers = false
  #best: PlacedRule | undefined
  #bestIndex = Number.POSITIVE_INFINITY

  /** @returns the matching rule with the lowest index; undefined when there is none. */
  find(trees: readonly RuleTree[], question: Question): PlacedRule | undefined {
    this.#question = question
    this.#best = undefined
    this.#bestIndex = Number.POSITIVE_INFINITY
    this.#isServers = question.text.startsWith('$')
    // `#` and `+/#` match the same topics.
    const text = question.text === '#' ? '+/#' : question.text
    let depth = 0
    for (const tree of trees) depth = Math.max(depth, tree.depth)
    // One level more than the trees have is enough to see that there is more.
    this.#levels = text.split('/', depth + 2)
    for (const { root, everything } of trees) {
      this.#consider(everything, true)
      this.#visit(root, 0, true)
    }
    this.#question = undefined
    return this.#best
  }

  /** @param covers whether the levels of the rules up to here match all that those of the text match. */
  #visit(node: RuleNode, depth: number, covers: boolean): void {
    if (node.first >= this.#bestIndex) return
    this.visited += 1
    // A filter that begins with a wildcard matches no topic that begins with `$` [MQTT-4.7.2-1].
    const takesWildcards = depth > 0 || !this.#isServers
    if (takesWildcards) this.#consider(node.rest, covers)
    if (depth === this.#levels.length) {
      this.#consider(node.rules, covers)
      return
    }
    const level = this.#levels[depth]!
    if (level === '#') this.#visitAll(node)
    else if (level === '+') this.#visitEach(node, depth, covers)
    else this.#visitLevel(node, depth, covers, level, takesWildcards)
  }

  #visitLevel(node: RuleNode, depth: number, covers: boolean, level: string, takesWildcards: boolean): void {
    const next = node.levels.get(level)
    if (next !== undefined) this.#visit(next, depth + 1, covers)
    for (const { level: own, node: named } of node.named) {
      if (this.#question!.names.fill(own, depth === 0) === level) this.#visit(named, depth + 1, covers)
    }
    if (node.plus !== undefined && takesWildcards) this.#visit(node.plus, depth + 1, covers)
  }

  /** The text has `+` here. */
  #visitEach(node: RuleNode, depth: number, covers: boolean): void {
    const isFirst = depth === 0
    if (node.plus !== undefined) this.#visit(node.plus, depth + 1, covers)
    for (const [text, next] of node.levels) {
      if (!(isFirst && text.startsWith('$'))) this.#visit(next, depth + 1, false)
    }
    for (const { level, node: named } of node.named) {
      const filled = this.#question!.names.fill(level, isFirst)
      if (filled !== undefined && !(isFirst && filled.startsWith('$'))) this.#visit(named, depth + 1, false)
    }
  }

  /** The text has `#` here, never as its first level: it matches this node and all beneath, and is not covered by them. */
  #visitAll(node: RuleNode): void {
    this.#consider(node.rules, false)
    for (const next of node.levels.values()) this.#sweep(next)
    for (const { level, node: named } of node.named) {
      if (this.#question!.names.fill(level, false) !== undefined) this.#sweep(named)
    }
    if (node.plus !== undefined) this.#sweep(node.plus)
  }

  #sweep(node: RuleNode): void {
    if (node.first >= this.#bestIndex) return
    this.visited += 1
    this.#consider(node.rest, false)
    this.#visitAll(node)
  }

  #consider(rules: readonly PlacedRule[], covers: boolean): void {
    const { match } = this.#question!
    for (const rule of rules) {
      if (rule.index >= this.#bestIndex) return
      if (!covers && rule.allow === (match === 'whole')) continue
      if (!applies(rule, this.#question!)) continue
      this.#best = rule
      this.#bestIndex = rule.index
      return
    }
  }
}

/** Whether the conditions of a rule hold. */
const applies = (rule: AccessRule, { identity, names, qos, retain }: Question): boolean => {
  if (rule.user !== undefined && rule.user !== identity.userName) return false
  if (rule.client !== undefined && rule.client !== identity.clientId) return false
  if (rule.group !== undefined && identity.attributes?.groups?.includes(rule.group) !== true) return false
  if (rule.anonymous !== undefined && rule.anonymous !== isAnonymous(identity)) return false
  if (rule.plainNames === true && !names.arePlain) return false
  if (rule.retain !== undefined && retain !== undefined && rule.retain !== retain) return false
  if (rule.qos === undefined) return true
  // A client may receive if it may subscribe at any QoS: a rule that denies some QoS leaves the others.
  return qos === NO_QOS ? rule.allow : (rule.qos as readonly number[]).includes(qos)
}
