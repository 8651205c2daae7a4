void greet(const char *name);

int main(void) {
    greet(NAME);
}
