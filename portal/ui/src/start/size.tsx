import { Button, Group, TextInput } from "@mantine/core";

/** Width x height in pixels, as servers take it. */
export const isSize = (text: string) => /^[0-9]{2,5}x[0-9]{2,5}$/.test(text);

const PRESETS = ["1280x800", "1920x1080", "2560x1440"];

/** The size of a display: one that many have, that of this window, or typed. */
export function Size({ value, error, put }: { value: string; error: string | undefined; put: (size: string) => void }) {
  const mine = `${innerWidth}x${innerHeight}`;
  const sizes = [mine, ...PRESETS.filter((size) => size !== mine)];
  return (
    <div>
      <TextInput
        id="start-geometry"
        label="Size"
        description="Width x height in pixels. A window of a browser may change it later."
        autoComplete="off"
        error={error}
        value={value}
        onChange={(event) => put(event.currentTarget.value.trim())}
      />
      <Group gap="xs" mt="xs" role="group" aria-label="Sizes">
        {sizes.map((size) => (
          <Button key={size} size="compact-sm" variant={size === value ? "light" : "default"} aria-pressed={size === value} onClick={() => put(size)}>
            {size === mine ? "this window" : size.replace("x", " × ")}
          </Button>
        ))}
      </Group>
    </div>
  );
}
