/** Nothing lies between 0 and 1, but `any` fits everywhere. */
export type IsAny<T> = 0 extends 1 & T ? true : false;
