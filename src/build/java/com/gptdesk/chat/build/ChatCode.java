package com.gptdesk.chat.build;

import org.jooq.codegen.JavaGenerator;
import org.jooq.meta.TableDefinition;

/** As jOOQ writes it, without a second class for the rows of a function, which have their own. */
public final class ChatCode extends JavaGenerator {

  @Override
  protected void generatePojo(TableDefinition table) {
    if (!table.isTableValuedFunction()) {
      super.generatePojo(table);
    }
  }
}
