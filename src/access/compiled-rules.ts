import type { Identity } from '../kinds/authorizer.ts'
import { type AccessRule, type Action, problemOfFilter } from './access-rule.ts'
import { everything, isAnonymous, type Names, placeholdersIn, reachOf } from './placeholders.ts'
import { type PlacedRule, RuleTree } from './rule-tree.ts'

/** The rules on publishing, on subscribing, and on receiving, those on all among each. */
class RuleTrees {
  readonly publish = new RuleTree()
  readonly subscribe = new RuleTree()
  readonly receive = new RuleTree()

  add(rule: PlacedRule): void {
    for (const action of actionsOf(rule)) this[action].add(rule)
  }

  addForEverything(rule: PlacedRule): void {
    for (const action of actionsOf(rule)) this[action].everything.push(rule)
  }
}

const actionsOf = ({ action }: AccessRule): readonly Action[] =>
  action === 'all' ? ['publish', 'subscribe', 'receive'] : [action]

/** The trees that hold rules about one client. */
export type TreesOfClient = Readonly<Record<Action, readonly RuleTree[]>>

/**
 * A list of rules, divided by the clients that they are about: a client is not slowed by the rules for others. It does not change.
 */
export class CompiledRules {
  readonly size: number
  /** Whether a rule names a client, a user, a group, or a name of them. */
  readonly isPersonal: boolean
  /** Whether a rule is about receiving alone. */
  readonly hasReceive: boolean
  /** Whether what may be published depends on QoS or RETAIN. */
  readonly hasMessageConditions: boolean

  readonly #general = new RuleTrees()
  readonly #ofUser = new Map<string, RuleTrees>()
  readonly #ofClient = new Map<string, RuleTrees>()
  readonly #ofGroup = new Map<string, RuleTrees>()
  readonly #anonymous = new RuleTrees()
  readonly #named = new RuleTrees()
  /** Those that deny and hold placeholders: a name that is not allowed there must not avoid them. */
  readonly #evadable: PlacedRule[] = []

  constructor(rules: readonly AccessRule[]) {
    this.size = rules.length
    this.isPersonal = rules.some(isPersonal)
    this.hasReceive = rules.some(({ action }) => action === 'receive')
    this.hasMessageConditions = rules.some(({ qos, retain }) => qos !== undefined || retain !== undefined)
    rules.forEach((rule, index) => {
      const placed = { ...rule, index }
      const trees = this.#treesFor(rule)
      if (problemOfFilter(rule.filter, rule.isLiteral) !== undefined) {
        // A filter that is not valid allows nothing and denies everything.
        if (!rule.allow) trees.addForEverything(placed)
        return
      }
      trees.add(placed)
      if (!rule.allow && rule.isLiteral !== true && placeholdersIn(rule.filter) > 0) this.#evadable.push(placed)
    })
  }

  /** The rules about one client. */
  treesOf(identity: Identity, names: Names): TreesOfClient {
    const all = [this.#general, isAnonymous(identity) ? this.#anonymous : this.#named]
    const { clientId, userName, attributes } = identity
    const found = [
      userName === undefined ? undefined : this.#ofUser.get(userName),
      this.#ofClient.get(clientId),
      ...(attributes?.groups ?? []).map((group) => this.#ofGroup.get(group)),
      this.#reachesOf(names),
    ]
    for (const trees of found) if (trees !== undefined) all.push(trees)
    const treesFor = (action: Action) => all.map((each) => each[action]).filter(isFilled)
    return { publish: treesFor('publish'), subscribe: treesFor('subscribe'), receive: treesFor('receive') }
  }

  #treesFor({ user, client, group, anonymous }: AccessRule): RuleTrees {
    if (user !== undefined) return treesAt(this.#ofUser, user)
    if (client !== undefined) return treesAt(this.#ofClient, client)
    if (group !== undefined) return treesAt(this.#ofGroup, group)
    if (anonymous === undefined) return this.#general
    return anonymous ? this.#anonymous : this.#named
  }

  /** What the rules that deny are about for a client with names that cannot stand in their filters. */
  #reachesOf(names: Names): RuleTrees | undefined {
    let trees: RuleTrees | undefined
    for (const rule of this.#evadable) {
      const reach = reachOf(rule.filter, names)
      if (reach === undefined) continue
      trees ??= new RuleTrees()
      if (reach === everything) trees.addForEverything(rule)
      else trees.add({ ...rule, filter: reach, isLiteral: true })
    }
    return trees
  }
}

const treesAt = (map: Map<string, RuleTrees>, key: string): RuleTrees => {
  const known = map.get(key) ?? new RuleTrees()
  map.set(key, known)
  return known
}

const isFilled = ({ root, everything: always }: RuleTree): boolean =>
  root.first !== Number.POSITIVE_INFINITY || always.length > 0

const isPersonal = ({ filter, user, group, client, anonymous, plainNames, isLiteral }: AccessRule): boolean =>
  [user, group, client, anonymous, plainNames].some((condition) => condition !== undefined) ||
  (isLiteral !== true && placeholdersIn(filter) > 0)
