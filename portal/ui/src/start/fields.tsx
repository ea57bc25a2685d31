// The fields of an administrator's start form. Their texts are shown as texts.

import { Checkbox, NativeSelect, NumberInput, Text, TextInput } from "@mantine/core";
import type { Field, Form, Value } from "../api";
import type { Values } from "./values";

interface Props {
  form: Form;
  values: Values;
  errors: Record<string, string>;
  put: (name: string, value: Value | undefined) => void;
}

export function Fields({ form, values, errors, put }: Props) {
  return (
    <>
      {form.description && (
        <Text size="sm" c="dimmed">
          {form.description}
        </Text>
      )}
      {Object.entries(form.properties).map(([name, field]) => (
        <One
          key={name}
          name={name}
          field={field}
          needed={form.required?.includes(name) ?? false}
          value={values[name]}
          error={errors[name]}
          put={(value) => put(name, value)}
        />
      ))}
    </>
  );
}

interface OneProps {
  name: string;
  field: Field;
  needed: boolean;
  value: Value | undefined;
  error: string | undefined;
  put: (value: Value | undefined) => void;
}

function One({ name, field, needed, value, error, put }: OneProps) {
  const common = { id: `start-field-${name}`, label: field.title ?? name, description: field.description, error };
  if (field.type === "boolean") {
    return <Checkbox {...common} checked={value === true} onChange={(event) => put(event.currentTarget.checked)} />;
  }
  if (field.enum) {
    const at = field.enum.findIndex((one) => one === value);
    const none = needed && at >= 0 ? [] : [{ value: "-1", label: "–" }];
    const data = [...none, ...field.enum.map((one, at) => ({ value: String(at), label: String(one) }))];
    const pick = (at: string) => put(field.enum?.[Number(at)]);
    return (
      <NativeSelect {...common} withAsterisk={needed} data={data} value={String(at)} onChange={(event) => pick(event.currentTarget.value)} />
    );
  }
  if (field.type === "string") {
    const text = typeof value === "string" ? value : "";
    return <TextInput {...common} withAsterisk={needed} value={text} onChange={(event) => put(event.currentTarget.value)} />;
  }
  return (
    <NumberInput
      {...common}
      withAsterisk={needed}
      clampBehavior="none"
      allowDecimal={field.type === "number"}
      min={field.minimum}
      max={field.maximum}
      value={typeof value === "boolean" ? "" : (value ?? "")}
      onChange={put}
    />
  );
}
