// The API key: in this tab's session storage and nowhere else, so that closing the tab forgets it.

const PLACE = "firstsight.key";

/** The key, or null. */
export const readKey = () => sessionStorage.getItem(PLACE);

/** Keep the key until the tab closes. */
export const keepKey = (key) => sessionStorage.setItem(PLACE, key);

/** Forget the key. */
export const forgetKey = () => sessionStorage.removeItem(PLACE);
