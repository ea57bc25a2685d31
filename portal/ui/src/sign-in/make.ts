/** A new element with these properties. */
export function make<K extends keyof HTMLElementTagNameMap>(name: K, properties: object): HTMLElementTagNameMap[K] {
  return Object.assign(document.createElement(name), properties);
}

/** The field behind its text. */
export function labelled(text: string, field: HTMLElement): HTMLLabelElement {
  const label = make("label", { textContent: `${text} ` });
  label.append(field);
  return label;
}
