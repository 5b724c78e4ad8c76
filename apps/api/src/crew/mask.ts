/** What clients see instead of a secret, and may send back for one that stays. */
export const mask = '********';
