// Read by typescript.mjs.

export type Unit = "celsius" | "fahrenheit";

export interface Page<T> {
  items: T[];
  /** @minimum 0 @asType integer */
  total: number;
  next?: string | null;
}

export interface User {
  /** @pattern ^[a-z]+$ */
  name: string;
  /** @format email */
  email?: string;
  tags: [string, ...number[]];
  settings: Record<string, boolean>;
  [extra: `x-${string}`]: unknown;
}

export type Users = Page<User>;

export interface Tree {
  value: string | number | null;
  children: Tree[];
}

export type Shape =
  { kind: "circle"; radius: number } | { kind: "square"; side: number } | { kind: 3; sides: [number, number, number] };

export interface Drawing extends Pick<User, "name"> {
  readonly shapes: ReadonlyArray<Shape>;
  unit: Unit;
  partial: Partial<Tree>;
  size: `${number}px`;
  at: Date;
  level: 1 | 2 | "max" | true;
}
