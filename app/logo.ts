/** Two uprights and a lintel. */

import { Html } from "./html";

const shape = "M2 5.5 22 4v4L2 9.500ZM4 11h5l.6 11H3.200ZM15 11h5l.8 11h-6.400Z";

export const logo = new Html(
  `<svg class="logo" viewBox="0 0 24 24" aria-hidden="true"><path d="${shape}"/></svg>`,
);

/** In the page itself: a browser would ask for it as a further file. */
export const icon = `data:image/svg+xml,${encodeURIComponent(
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><path fill="#5b7f95" d="${shape}"/></svg>`,
)}`;
