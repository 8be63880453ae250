package com.gptdesk.chat.build;

import org.jooq.codegen.JavaGenerator;
import org.jooq.meta.TableDefinition;

/** As jOOQ writes it, without classes for the rows of a function whose type has them. */
public final class ChatCode extends JavaGenerator {

  @Override
  protected void generatePojo(TableDefinition table) {
    if (!table.isTableValuedFunction()) {
      super.generatePojo(table);
    }
  }

  @Override
  protected void generateRecord(TableDefinition table) {
    if (!(table instanceof ChatCatalogue.Function)) {
      super.generateRecord(table);
    }
  }
}
