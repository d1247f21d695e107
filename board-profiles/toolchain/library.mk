# One static library: make -f library.mk LIB=libx.a OBJ=dir SOURCES='a.c b.c'
objects := $(patsubst %.c,$(OBJ)/%.o,$(notdir $(SOURCES)))
vpath %.c $(sort $(dir $(SOURCES)))

$(LIB): $(objects)
	rm -f $@ && $(AR) qcs $@ $^

$(OBJ)/%.o: %.c
	$(CC) $(CFLAGS) -c -o $@ $<
