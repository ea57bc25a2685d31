import { CloseButton, Modal } from "@mantine/core";
import { type ReactNode, useEffect, useState } from "react";
import "./sheet.css";

interface Sheet {
  id: string;
  title: string;
  /** Missing: it stays until its work is done. */
  close?: () => void;
  children: ReactNode;
  wide?: boolean;
}

const LOOK = { content: "sheet-content", overlay: "sheet-overlay" };
const nothing = () => undefined;

/** A dialog before the page. What is behind it may scroll on: holding it would take styles that the page's policy refuses. */
export function Sheet({ id, title, close = nothing, wide, children }: Sheet) {
  const ends = close !== nothing;
  useReturn();
  return (
    <Modal.Root
      opened
      id={id}
      onClose={close}
      closeOnEscape={ends}
      closeOnClickOutside={ends}
      lockScroll={false}
      size={wide ? "xl" : "md"}
      centered
      classNames={LOOK}
      transitionProps={{ duration: 0 }}
    >
      <Modal.Overlay />
      <Modal.Content>
        {/* Mantine's own header would be a second banner of the page. */}
        <div className="sheet-header">
          <Modal.Title className="sheet-title">{title}</Modal.Title>
          {ends && <CloseButton aria-label="Close" onClick={close} />}
        </div>
        <Modal.Body className="sheet-body">{children}</Modal.Body>
      </Modal.Content>
    </Modal.Root>
  );
}

/** When it is gone, the keyboard is where it was before. */
function useReturn() {
  const [before] = useState(() => document.activeElement);
  useEffect(
    () => () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    },
    [before],
  );
}
