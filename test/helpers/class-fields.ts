import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseSync } from 'vite'

/** A node of the syntax tree, as far as it is looked at here. */
interface Node {
  readonly type: string
  readonly [key: string]: unknown
}

const ROOT = resolve(import.meta.dirname, '../..')

/** The fields of a class, without static ones; a private field with its `#`. @param file relative to the repository. */
export const fieldsOf = (file: string, className: string): string[] => {
  const fields: string[] = []
  for (const member of membersOf(file, className)) {
    const isField = member.type === 'PropertyDefinition' && member['static'] !== true
    if (isField) fields.push(nameOf(member['key'] as Node))
    // `constructor(readonly name: string)` is not allowed in this repository: `erasableSyntaxOnly`.
  }
  return fields
}

/** The fields of `this` that the methods of these names refer to. */
export const fieldsUsedBy = (file: string, className: string, methods: readonly string[]): Set<string> => {
  const used = new Set<string>()
  for (const member of membersOf(file, className)) {
    if (member.type === 'MethodDefinition' && methods.includes(nameOf(member['key'] as Node))) collect(member, used)
  }
  return used
}

/** The properties of an interface. */
export const propertiesOf = (file: string, interfaceName: string): string[] => {
  const found = declarationsOf(file).find(
    (node) => node.type === 'TSInterfaceDeclaration' && nameOf(node['id'] as Node) === interfaceName,
  )
  if (found === undefined) throw new Error(`${file} has no interface ${interfaceName}`)
  return ((found['body'] as Node)['body'] as Node[]).map((member) => nameOf(member['key'] as Node))
}

/** The names of all properties that the code of a file reads: by `object.name` or by destructuring. */
export const propertiesReadBy = (file: string): Set<string> => {
  const read = new Set<string>()
  walk(treeOf(file), (node) => {
    if (node.type === 'MemberExpression' && node['computed'] !== true) read.add(nameOf(node['property'] as Node))
    if (node.type === 'ObjectPattern') for (const each of keysOf(node)) read.add(each)
  })
  return read
}

const membersOf = (file: string, className: string): Node[] => {
  const found = declarationsOf(file).find(
    (node) => node.type === 'ClassDeclaration' && nameOf(node['id'] as Node) === className,
  )
  if (found === undefined) throw new Error(`${file} has no class ${className}`)
  return (found['body'] as Node)['body'] as Node[]
}

const declarationsOf = (file: string): Node[] =>
  (treeOf(file)['body'] as Node[]).map((node) => (node['declaration'] as Node | undefined) ?? node)

const treeOf = (file: string): Node => {
  const { program, errors } = parseSync(file, readFileSync(resolve(ROOT, file), 'utf8'))
  if (errors.length > 0) throw new Error(`${file} cannot be parsed: ${errors[0]!.message}`)
  return program as unknown as Node
}

const collect = (method: Node, used: Set<string>): void =>
  walk(method, (node) => {
    if (node.type === 'MemberExpression' && isThis(node['object'])) used.add(nameOf(node['property'] as Node))
    if (node.type === 'VariableDeclarator' && isThis(node['init'])) {
      const pattern = node['id'] as Node
      if (pattern.type === 'ObjectPattern') for (const each of keysOf(pattern)) used.add(each)
    }
  })

const keysOf = (pattern: Node): string[] =>
  (pattern['properties'] as Node[]).filter(({ type }) => type === 'Property').map((each) => nameOf(each['key'] as Node))

const isThis = (node: unknown): boolean => (node as Node | null | undefined)?.type === 'ThisExpression'

const nameOf = (key: Node): string => `${key.type === 'PrivateIdentifier' ? '#' : ''}${key['name'] ?? key['value']}`

const walk = (node: Node, look: (node: Node) => void): void => {
  look(node)
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (typeof (child as Node | null)?.type === 'string') walk(child as Node, look)
    }
  }
}
