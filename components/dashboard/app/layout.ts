/**
 * Places a graph in layers, from left to right: a component stands to the left of everything that it depends on. Long edges run through
 * a place of their own in each layer between, so that they do not cross boxes.
 */

export interface LayoutInput {
  readonly nodes: readonly string[]
  /** Edges of unknown nodes, and of a node to itself, are ignored. */
  readonly edges: readonly { readonly from: string; readonly to: string }[]
}

export interface LayoutSizes {
  readonly nodeWidth: number
  readonly nodeHeight: number
  readonly layerGap: number
  readonly rowGap: number
}

export interface Point {
  readonly x: number
  readonly y: number
}

export interface Layout {
  readonly width: number
  readonly height: number
  /** The upper left corner of each node. */
  readonly nodes: ReadonlyMap<string, Point>
  /** The points of each edge by `from to`, from the right side of a node to the left side of another one. */
  readonly edges: ReadonlyMap<string, readonly Point[]>
}

/** The key of an edge in `Layout.edges`. */
export const edgeKey = (from: string, to: string): string => `${from} ${to}`

/** How often the layers are ordered by their neighbours. */
const SWEEPS = 8

/** A node, or the place of a long edge in a layer. */
interface Cell {
  readonly name: string | undefined
  readonly left: Cell[]
  readonly right: Cell[]
  /** Its place in its layer. */
  order: number
}

/** @returns the same layout for the same graph. Cycles are cut where they are found. */
export const layoutGraph = (input: LayoutInput, sizes: LayoutSizes): Layout => {
  const edges = usableEdges(input)
  const layerOf = findLayers(input.nodes, edges)
  const layers: Cell[][] = []
  const cells = new Map<string, Cell>()
  for (const name of input.nodes) {
    const layer = layerOf.get(name)!
    while (layers.length <= layer) layers.push([])
    const cell: Cell = { name, left: [], right: [], order: layers[layer]!.length }
    cells.set(name, cell)
    layers[layer]!.push(cell)
  }
  const paths = edges.map(({ from, to }) => connect(from, to, cells, layerOf, layers))
  orderLayers(layers)
  return place(layers, edges, paths, sizes)
}

const usableEdges = ({ nodes, edges }: LayoutInput): LayoutInput['edges'] => {
  const known = new Set(nodes)
  const seen = new Set<string>()
  return edges.filter(({ from, to }) => {
    const key = edgeKey(from, to)
    const isUsable = known.has(from) && known.has(to) && from !== to && !seen.has(key)
    seen.add(key)
    return isUsable
  })
}

/** The layer of a node is the longest path to it. Then nodes move right, as near to what they depend on as possible. */
const findLayers = (nodes: readonly string[], edges: LayoutInput['edges']): Map<string, number> => {
  const layerOf = new Map<string, number>()
  const dependents = group(edges, ({ to }) => to)
  const underWay = new Set<string>()
  const layer = (name: string): number => {
    const known = layerOf.get(name)
    if (known !== undefined) return known
    // A cycle: the config check refuses it, but its picture is drawn.
    if (underWay.has(name)) return 0
    underWay.add(name)
    const found = (dependents.get(name) ?? []).reduce((most, { from }) => Math.max(most, layer(from) + 1), 0)
    layerOf.set(name, found)
    return found
  }
  for (const name of nodes) layer(name)
  const dependencies = group(edges, ({ from }) => from)
  const last = Math.max(0, ...layerOf.values())
  for (const name of [...nodes].sort((a, b) => layerOf.get(b)! - layerOf.get(a)!)) {
    const targets = (dependencies.get(name) ?? []).map(({ to }) => layerOf.get(to)!)
    const nearest = Math.min(...targets) - 1
    if (targets.length > 0 && nearest > layerOf.get(name)!) layerOf.set(name, nearest)
    // Without any edge it stands where it is in no way.
    if (targets.length === 0 && !dependents.has(name)) layerOf.set(name, last)
  }
  return layerOf
}

const group = <T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> => {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const key = keyOf(item)
    const list = groups.get(key)
    if (list === undefined) groups.set(key, [item])
    else list.push(item)
  }
  return groups
}

/** Links two nodes, with a cell in each layer between. @returns all cells of the path. */
const connect = (
  from: string,
  to: string,
  cells: ReadonlyMap<string, Cell>,
  layerOf: ReadonlyMap<string, number>,
  layers: Cell[][],
): Cell[] => {
  const path = [cells.get(from)!]
  for (let layer = layerOf.get(from)! + 1; layer < layerOf.get(to)!; layer++) {
    const cell: Cell = { name: undefined, left: [], right: [], order: layers[layer]!.length }
    layers[layer]!.push(cell)
    path.push(cell)
  }
  path.push(cells.get(to)!)
  for (let index = 1; index < path.length; index++) {
    path[index - 1]!.right.push(path[index]!)
    path[index]!.left.push(path[index - 1]!)
  }
  return path
}

/** Orders each layer by the middle of its neighbours, in turn from the left and from the right, and keeps the best order. */
const orderLayers = (layers: Cell[][]): void => {
  let best = layers.map((layer) => [...layer])
  let fewest = crossings(layers)
  for (let sweep = 0; sweep < SWEEPS && fewest > 0; sweep++) {
    const fromLeft = sweep % 2 === 0
    for (const layer of fromLeft ? layers : [...layers].reverse()) {
      const middle = new Map(layer.map((cell) => [cell, middleOf(fromLeft ? cell.left : cell.right, cell.order)]))
      layer.sort((a, b) => middle.get(a)! - middle.get(b)! || a.order - b.order)
      number(layer)
    }
    const found = crossings(layers)
    if (found < fewest) {
      fewest = found
      best = layers.map((layer) => [...layer])
    }
  }
  for (const [index, layer] of best.entries()) {
    layers[index] = layer
    number(layer)
  }
}

const number = (layer: readonly Cell[]): void => {
  for (const [index, cell] of layer.entries()) cell.order = index
}

const middleOf = (neighbours: readonly Cell[], otherwise: number): number =>
  neighbours.length === 0 ? otherwise : neighbours.reduce((sum, { order }) => sum + order, 0) / neighbours.length

const crossings = (layers: readonly (readonly Cell[])[]): number => {
  let count = 0
  for (const layer of layers) {
    const links = layer.flatMap((cell) => cell.right.map((to) => [cell.order, to.order] as const))
    for (const [index, [from, to]] of links.entries()) {
      for (const [otherFrom, otherTo] of links.slice(index + 1)) {
        if ((from - otherFrom) * (to - otherTo) < 0) count++
      }
    }
  }
  return count
}

const place = (
  layers: readonly (readonly Cell[])[],
  edges: LayoutInput['edges'],
  paths: readonly (readonly Cell[])[],
  { nodeWidth, nodeHeight, layerGap, rowGap }: LayoutSizes,
): Layout => {
  // The place of a long edge needs less room than a box.
  const heightOf = (cell: Cell): number => (cell.name === undefined ? rowGap : nodeHeight)
  const heights = layers.map((layer) => layer.reduce((sum, cell) => sum + heightOf(cell) + rowGap, -rowGap))
  const height = Math.max(0, ...heights)
  const points = new Map<Cell, Point>()
  for (const [index, layer] of layers.entries()) {
    let y = (height - heights[index]!) / 2
    for (const cell of layer) {
      points.set(cell, { x: index * (nodeWidth + layerGap), y })
      y += heightOf(cell) + rowGap
    }
  }
  const nodes = new Map<string, Point>()
  for (const [cell, point] of points) if (cell.name !== undefined) nodes.set(cell.name, point)
  const drawn = new Map<string, readonly Point[]>()
  for (const [index, { from, to }] of edges.entries()) {
    const path = paths[index]!
    const line = path.flatMap((cell, step) => {
      const { x, y } = points.get(cell)!
      const middle = y + heightOf(cell) / 2
      const sides = [
        { x, y: middle },
        { x: x + nodeWidth, y: middle },
      ]
      if (step === 0) return sides.slice(1)
      return step === path.length - 1 ? sides.slice(0, 1) : sides
    })
    drawn.set(edgeKey(from, to), line)
  }
  return { width: Math.max(0, layers.length * (nodeWidth + layerGap) - layerGap), height, nodes, edges: drawn }
}

/** The points as a smooth line of SVG. */
export const pathOf = ([first, ...rest]: readonly Point[]): string => {
  if (first === undefined) return ''
  let path = `M${first.x} ${first.y}`
  let before = first
  for (const point of rest) {
    const middle = (before.x + point.x) / 2
    path +=
      before.y === point.y
        ? `L${point.x} ${point.y}`
        : `C${middle} ${before.y} ${middle} ${point.y} ${point.x} ${point.y}`
    before = point
  }
  return path
}
