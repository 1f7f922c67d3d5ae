/** Uses every public name of the package, as apps would. It is compiled, never run. */

import {
  ChatError, connect, firstGraphemes, graphemes, hasSession, isSingleGrapheme,
  type Client, type ConnectOptions, type Content, type Conversation, type ConversationInfo, type ConvId, type Draft,
  type Events, type Json, type Limits, type Me, type Media, type Member, type Mention, type Message,
  type MessageStatus, type Presence, type Profile, type Reaction, type Readable, type Receipt, type Reply, type Role,
  type SendOptions, type Session, type Status, type Timeline, type Timestamp, type User, type UserId,
  type WebSocketLike,
} from "mvchat-client";
import { connect as connectStreamed } from "./streamed.js";
import {
  ChatProvider, useChat, useConversation, useConversations, useMe, useMembers, useMessages, usePresence, useReadable,
  useReceipts, useSearch, useStatus, useTyping, useUser,
} from "mvchat-client/react";
import { fakeServer, type FakeServer } from "mvchat-client/testing";

/** Fails to compile unless both types are the same. */
function same<A, B>(..._: (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? [] : [never]): void {}
