package com.gptdesk.chat.service.history;

/**
 * Somebody in another chat.
 *
 * @param id their id or name there
 * @param name what they are called
 * @param email by which they are found here; empty when the export does not say
 */
record HistoryPerson(String id, String name, String email) {

  /** Somebody whom the export names and does not describe. */
  static HistoryPerson unknown(String id) {
    return new HistoryPerson(id, id, "");
  }

  @Override
  public String toString() {
    return email.isEmpty() ? name + " (" + id + ", no e-mail address)" : name + " <" + email + ">";
  }
}
