import type { AccessRule } from './access-rule.ts'
import { type NamedLevel, namedLevel } from './placeholders.ts'

/** A rule at its place in the list. */
export interface PlacedRule extends AccessRule {
  /** The lowest that matches decides. */
  readonly index: number
}

/** What the rules of a tree have in common up to here, level by level. */
export interface RuleNode {
  /** The lowest index of all rules here and beneath. */
  first: number
  /** Rules whose filter ends here, in their order. */
  readonly rules: PlacedRule[]
  /** Rules whose filter continues with `#`, in their order. */
  readonly rest: PlacedRule[]
  /** By the text of the next level. */
  readonly levels: Map<string, RuleNode>
  /** The next level is `+`. */
  plus: RuleNode | undefined
  /** The next level holds a placeholder. */
  readonly named: { readonly level: NamedLevel; readonly node: RuleNode }[]
}

/**
 * Rules in a tree with a node for each level of their filters: the rules on one topic are found without comparing other rules. A
 * placeholder is a separate level, so one tree serves all clients.
 */
export class RuleTree {
  readonly root = newNode()
  /** Rules that match every topic, also those that begin with `$`. */
  readonly everything: PlacedRule[] = []
  /** Levels of the longest filter, without `#`. */
  depth = 0
  nodes = 1

  /** Adds a rule. Rules must come in the order of their indexes. */
  add(rule: PlacedRule): void {
    const levels = rule.filter.split('/')
    const hasRest = levels.at(-1) === '#'
    if (hasRest) levels.pop()
    this.depth = Math.max(this.depth, levels.length)
    let node = this.root
    node.first = Math.min(node.first, rule.index)
    for (const level of levels) {
      node = this.#next(node, level, rule.isLiteral === true)
      node.first = Math.min(node.first, rule.index)
    }
    const list = hasRest ? node.rest : node.rules
    list.push(rule)
  }

  #next(node: RuleNode, level: string, isLiteral: boolean): RuleNode {
    if (level === '+') {
      node.plus ??= this.#newNode()
      return node.plus
    }
    const own = isLiteral ? undefined : namedLevel(level)
    if (own === undefined) {
      const known = node.levels.get(level) ?? this.#newNode()
      node.levels.set(level, known)
      return known
    }
    const known = node.named.find(({ level: other }) => isSame(own, other))
    if (known !== undefined) return known.node
    const added = this.#newNode()
    node.named.push({ level: own, node: added })
    return added
  }

  #newNode(): RuleNode {
    this.nodes += 1
    return newNode()
  }
}

const newNode = (): RuleNode => ({
  first: Number.POSITIVE_INFINITY,
  rules: [],
  rest: [],
  levels: new Map(),
  plus: undefined,
  named: [],
})

const isSame = (one: NamedLevel, other: NamedLevel): boolean =>
  one.before === other.before && one.placeholder === other.placeholder && one.after === other.after
