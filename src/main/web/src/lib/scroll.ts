/**
 * Scrolls a pane so that an element in it shows. `scrollIntoView` would scroll all that is around the pane as well, up to the document
 * of an application that shows the chat.
 */
export function reveal(
  element: Element,
  pane: Element,
  place: 'start' | 'center' | 'nearest',
  margin = 0,
): void {
  const [one, around] = [element.getBoundingClientRect(), pane.getBoundingClientRect()];
  const above = one.top - around.top - margin;
  const below = one.bottom - (around.top + pane.clientHeight) + margin;
  switch (place) {
    case 'start':
      pane.scrollTop += above;
      break;
    case 'center':
      pane.scrollTop += (one.top + one.bottom) / 2 - around.top - pane.clientHeight / 2;
      break;
    case 'nearest':
      if (above < 0) {
        pane.scrollTop += above;
      } else if (below > 0) {
        pane.scrollTop += Math.min(below, above);
      }
      break;
  }
}
