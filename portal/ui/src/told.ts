/** What an error says to a person. */
export const told = (error: unknown): string => (error instanceof Error ? error.message : String(error));
