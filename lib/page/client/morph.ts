/**
 * Makes the children of an element those of another, and changes only what differs: whoever has the focus keeps it, what
 * was opened or scrolled stays so, and what a script has drawn is left alone.
 */
export function morph(into: ParentNode & Node, fresh: ParentNode & Node) {
  let next: ChildNode | null = into.firstChild
  for (const wanted of [...fresh.childNodes]) {
    const same = findSame(next, wanted)
    if (same === undefined) {
      into.insertBefore(wanted, next)
      continue
    }
    // What stands between has gone.
    while (next !== same) next = removed(next!)
    next = same.nextSibling
    update(same, wanted)
  }
  while (next !== null) next = removed(next)
}

function removed(node: ChildNode): ChildNode | null {
  const { nextSibling } = node
  node.remove()
  return nextSibling
}

/** The next node that shows the same thing as another one. */
function findSame(from: ChildNode | null, wanted: ChildNode): ChildNode | undefined {
  for (let node = from; node !== null; node = node.nextSibling) if (isSame(node, wanted)) return node
  return undefined
}

function isSame(a: ChildNode, b: ChildNode): boolean {
  if (a.nodeType !== b.nodeType || a.nodeName !== b.nodeName) return false
  return !(a instanceof HTMLElement && b instanceof HTMLElement) || keyOf(a) === keyOf(b)
}

/** Of what it tells: a link to another place is another link, and a row about another thing another row. */
function keyOf(element: HTMLElement): string {
  const link = element instanceof HTMLTableRowElement ? element.querySelector("a") : element
  return `${element.id} ${link?.getAttribute("href") ?? ""}`
}

function update(node: ChildNode, wanted: ChildNode) {
  if (!(node instanceof HTMLElement && wanted instanceof HTMLElement)) {
    if (node.nodeValue !== wanted.nodeValue) node.nodeValue = wanted.nodeValue
    return
  }
  for (const { name } of [...node.attributes])
    if (!wanted.hasAttribute(name) && !isOfReader(node, name)) node.removeAttribute(name)
  for (const { name, value } of wanted.attributes)
    if (node.getAttribute(name) !== value) node.setAttribute(name, value)
  if (!("plot" in node.dataset)) morph(node, wanted)
}

/** What whoever looks at it has opened. */
function isOfReader(node: HTMLElement, name: string): boolean {
  return node instanceof HTMLDetailsElement && name === "open"
}
